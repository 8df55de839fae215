import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { RowDataPacket } from 'mysql2'
import t from 'tap'
import { createProductExports } from '../../../src/catalogue/export/product-exports.ts'
import { parseFilters } from '../../../src/catalogue/listing/query/list-query.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { openSnapshot } from '../../../src/platform/database/snapshot.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { proxied } from '../../support/proxied.ts'
import { parseExport } from '../../support/read-export.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { untilNoneReads } from '../../support/until-none-reads.ts'
import { waitFor } from '../../support/wait-for.ts'

const ROWS = 2000
const EVERYTHING = parseFilters({})

const config = await testConfig(t)
const connection = await testConnection(t, config)
await insertProducts(
  connection,
  Array.from({ length: ROWS }, () => ({ stock: 100, description: 'x'.repeat(1000) }))
)
const limits = { connectionLimit: 2, queueLimit: 10, queryTimeoutMs: 5000 }
const pool = openPool(config.mysql, limits)
const ownPool = openPool(config.mysql, limits)
t.teardown(() => [pool.end(), ownPool.end()])

function makeExports(timeouts: { stallTimeoutMs?: number; timeoutMs?: number } = {}) {
  let rows = 0
  let connectionId: number | undefined
  const exports = createProductExports({
    ...timeouts,
    database: createDatabase(pool, limits),
    async openSnapshot() {
      const snapshot = await openSnapshot(ownPool, limits.queryTimeoutMs)
      const [row] = await snapshot.execute<{ id: number }>('SELECT CONNECTION_ID() AS id', [])
      connectionId = row?.id
      return snapshot
    },
    onRows: (count) => {
      rows += count
    }
  })
  return { exports, rowsRead: () => rows, connectionId: () => connectionId }
}

t.test('stock that moves between products during an export is neither lost nor counted twice', async (t) => {
  const { exports } = makeExports()
  const [ids] = await connection.query<RowDataPacket[]>('SELECT id FROM products ORDER BY id')
  let moved = 0
  let isMoving = true
  const movers = [1, 2, 3].map(async (step) => {
    const mover = await testConnection(t, config)
    const add = (at: number, delta: number) =>
      mover.query('UPDATE products SET stock = stock + ? WHERE id = ?', [delta, ids[at]?.id])
    for (let at = 0; isMoving; at = (at + step * 37) % (ROWS / 2)) {
      // The same order each time, so that they don't end each other.
      await mover.beginTransaction()
      await add(at, -1)
      await add(ROWS - 1 - at, 1)
      await mover.commit()
      moved++
    }
  })
  for (let round = 0; round < 8; round++) {
    const before = moved
    const stream = await exports.start(EVERYTHING)
    await waitFor('stock moves', () => moved > before + 3)
    const { products } = parseExport(await text(stream))
    t.equal(products.length, ROWS)
    t.equal(
      products.reduce((sum, { stock }) => sum + stock, 0),
      ROWS * 100
    )
  }
  isMoving = false
  await Promise.all(movers)
  await untilNoneReads(connection)
})

t.test('two run at a time, and the end of one makes room', async (t) => {
  const { exports } = makeExports()
  const [first, second] = [await exports.start(EVERYTHING), await exports.start(EVERYTHING)]
  t.equal(exports.running, 2)
  await t.rejects(exports.start(EVERYTHING), { code: 'overloaded', headers: { 'retry-after': '10' } })
  t.equal(exports.running, 2, 'a refused one takes no room')
  first.destroy()
  await once(first, 'close')
  const third = await exports.start(EVERYTHING)
  for (const stream of [second, third]) t.equal(parseExport(await text(stream)).lines.length, ROWS)
  t.equal(exports.running, 0)
  await untilNoneReads(connection)
})

t.test('rows are read only as the stream is read', async (t) => {
  const { exports, rowsRead } = makeExports()
  const stream = await exports.start(EVERYTHING)
  await once(stream, 'readable')
  t.ok(rowsRead() < ROWS, `${rowsRead()} rows`)
  stream.destroy()
  await untilNoneReads(connection)
})

t.test('a stream that nobody reads is destroyed', async (t) => {
  const { exports } = makeExports({ stallTimeoutMs: 100 })
  for (const begin of [() => {}, (stream: NodeJS.ReadableStream) => stream.once('readable', () => {})]) {
    const stream = await exports.start(EVERYTHING)
    begin(stream)
    const [error] = await once(stream, 'error')
    t.match(error.message, /took nothing for 100 ms/)
    t.equal(exports.running, 0)
  }
  await untilNoneReads(connection)
})

t.test('a stream that takes too long is destroyed, however it is read', async (t) => {
  const { exports } = makeExports({ timeoutMs: 300 })
  const stream = await exports.start(EVERYTHING)
  const taking = setInterval(() => stream.read(1), 20)
  t.teardown(() => clearInterval(taking))
  const [error] = await once(stream, 'error')
  t.match(error.message, /not read to its end within 300 ms/)
  await untilNoneReads(connection)
})

t.test('when its connection is killed an export fails before its last line', async (t) => {
  const { exports, connectionId } = makeExports()
  const stream = await exports.start(EVERYTHING)
  await connection.query(`KILL ${connectionId()}`)
  await t.rejects(text(stream), { code: 'database-unavailable' })
  t.equal(exports.running, 0)
  const next = await exports.start(EVERYTHING)
  t.equal(parseExport(await text(next)).lines.length, ROWS, 'the next one has another connection')
})

t.test('an export that cannot start is refused, and takes no room', async (t) => {
  const { config: behindProxy, mysql } = await proxied(t, config)
  const cutOff = openPool(behindProxy.mysql, limits)
  t.teardown(() => cutOff.end())
  const exports = createProductExports({
    database: createDatabase(pool, limits),
    openSnapshot: () => openSnapshot(cutOff, limits.queryTimeoutMs),
    onRows: () => {}
  })
  for (const matches of [/./, /product_changes/, /FROM products/]) {
    mysql.cutAt((chunk) => matches.test(chunk.toString('latin1')))
    await t.rejects(exports.start(EVERYTHING), { code: 'database-unavailable' }, String(matches))
    t.equal(exports.running, 0)
    mysql.pass()
  }
  t.equal(parseExport(await text(await exports.start(EVERYTHING))).lines.length, ROWS)
})

t.test('close ends running exports', async (t) => {
  const { exports } = makeExports()
  const stream = await exports.start(EVERYTHING)
  const late = exports.start(EVERYTHING)
  exports.close()
  await t.rejects(text(stream), { code: 'shutting-down' })
  await t.rejects(late, { code: 'shutting-down' })
  await t.rejects(exports.start(EVERYTHING), { code: 'shutting-down' })
  t.equal(exports.running, 0)
  await untilNoneReads(connection)
})
