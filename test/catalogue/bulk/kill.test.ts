import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { bulk, product, startBulk, toNdjson } from '../../support/bulk-client.ts'
import { listen } from '../../support/exchange.ts'
import { makeKey } from '../../support/make-key.ts'
import { startService, toEnvironment } from '../../support/service.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const LINES = 5000
const config = await testConfig(t, { LOG_LEVEL: 'info' })
const connection = await testConnection(t, config)
const other = await listen(await testApp(t, { ...config, log: { ...config.log, level: 'silent' } }))
const { key } = await makeKey(connection, { scopes: ['products:write'] })

async function stocks(): Promise<Map<string, number>> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT sku, stock FROM products')
  return new Map(rows.map(({ sku, stock }) => [sku, stock]))
}

t.test(
  'a service that is killed during a bulk loses nothing that has a result, and writes nothing twice',
  async (t) => {
    for (const killAfter of [1, 2200]) {
      const lines = Array.from({ length: LINES }, (_, at) => {
        const sku = `S${at % 3500}`
        return at % 7 === 3 ? { sku, delete: true } : product(at, { sku, stock: at + killAfter })
      })
      const before = await stocks()
      const service = await startService(t, toEnvironment(config))
      const started = startBulk(service.url, key)
      started.request.end(toNdjson(lines))
      await started.arrived(killAfter)
      service.signal('SIGKILL')
      const { isCut, results } = await started.answer
      await service.exit
      t.ok(isCut)
      t.ok(results.length < LINES, `${results.length} results`)

      // One more batch may be there than has results, and nothing else.
      const after = await stocks()
      const copies = [results.length, Math.min(results.length + 500, LINES)].map((count) => {
        const copy = new Map(before)
        for (const line of lines.slice(0, count)) {
          if ('stock' in line) copy.set(line.sku, Number(line.stock))
          else copy.delete(line.sku)
        }
        return JSON.stringify([...copy].sort())
      })
      t.ok(copies.includes(JSON.stringify([...after].sort())), 'whole batches, and all that have results')

      const again = await bulk(other, key, toNdjson(lines))
      t.match(again.end, { summary: { lines: LINES, refused: 0 }, isComplete: true })
      const wanted = new Map(before)
      for (const line of lines) {
        if ('stock' in line) wanted.set(line.sku, Number(line.stock))
        else wanted.delete(line.sku)
      }
      t.same([...(await stocks())].sort(), [...wanted].sort(), 'after a re-run all is as the input says')
    }
  }
)
