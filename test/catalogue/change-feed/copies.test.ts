import type { Connection, RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { decodeChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { begin } from '../../support/change-log.ts'
import { listen } from '../../support/exchange.ts'
import { feedReader } from '../../support/feed-reader.ts'
import { makeKey } from '../../support/make-key.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createIn, putProducts, removeProduct } from '../../support/write-catalogue.ts'
import { tableOf } from './support/table-of.ts'

const WRITERS = 8
const TRANSACTIONS = 60
const SKUS = Array.from({ length: 40 }, (_, number) => `S${number}`)

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { key } = await makeKey(connection)
const first = await listen(await testApp(t, config))
const second = await listen(await testApp(t, config))

/** The log in the order of its numbers, change by change. */
async function logOf(connection: Connection): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT entries FROM product_changes ORDER BY seq')
  return rows.flatMap(({ entries }) =>
    decodeChanges(entries).map(({ type, id }) => `${type} ${formatId(Buffer.from(id, 'hex'))}`)
  )
}

t.test('a transaction that commits after later ones is not skipped', async (t) => {
  const slow = await testConnection(t, config)
  const readers = [feedReader(first, key, 'limit=3'), feedReader(second, key, 'limit=1')]
  const seen = (sku: string) => readers.map(({ told }) => told.filter((change) => change.sku === sku).length)
  await begin(slow)
  await createIn(slow, 'SLOW')
  for (const sku of ['LATER-1', 'LATER-2']) {
    await putProducts(connection, [sku], 1)
    for (const reader of readers) await reader.catchUp()
    t.same(seen(sku), [1, 1], 'what is committed is there at once, on every instance')
  }
  t.same(seen('SLOW'), [0, 0])
  await slow.commit()
  await putProducts(connection, ['LATER-3'], 1)
  for (const reader of readers) await reader.catchUp()
  t.same(seen('SLOW'), [1, 1])
  t.same(seen('LATER-3'), [1, 1])
  for (const { told } of readers) t.equal(told.length, 4, 'nothing comes twice')
})

t.test('with eight writers and four readers on two instances, every copy equals the table', async (t) => {
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => testConnection(t, config)))
  const readers = [
    feedReader(first, key, 'limit=1000&wait=1'),
    feedReader(first, key, 'limit=7'),
    feedReader(second, key, 'limit=3&wait=1'),
    feedReader(second, key, 'limit=100')
  ]
  let isWriting = true
  const reading = readers.map(async (reader) => {
    while (isWriting) await reader.read()
  })

  const write = async (writer: Connection, number: number) => {
    for (let round = 0; round < TRANSACTIONS; round++) {
      const at = (number * 7 + round * 13) % SKUS.length
      if (round % 4 === 3) await removeProduct(writer, SKUS[at] ?? '')
      else await putProducts(writer, SKUS.slice(at, at + 1 + (round % 12)), number * 1000 + round)
    }
  }
  await Promise.all(writers.map(write))
  isWriting = false
  await Promise.all(reading)
  for (const reader of readers) await reader.catchUp()

  const [table, log] = await Promise.all([tableOf(connection), logOf(connection)])
  t.ok(log.length > 1000, `${log.length} changes`)
  t.ok(log.filter((line) => line.startsWith('delete')).length > 20)
  for (const { copy, told } of readers) {
    t.same(
      told.map(({ type, id }) => `${type} ${id}`),
      log,
      'every change once, in the order of the log'
    )
    t.same(new Map([...copy].sort()), new Map([...table].sort()))
  }
})

t.test('during a purge a reader that keeps up continues, and one that is behind gets an error', async (t) => {
  const reader = feedReader(first, key, 'limit=50')
  const late = feedReader(second, key, 'limit=50')
  await reader.read()
  await late.read()
  await reader.catchUp()
  await connection.query(
    'DELETE FROM product_changes WHERE seq < (SELECT head FROM (SELECT MAX(seq) AS head FROM product_changes) AS log)'
  )
  await putProducts(connection, ['AFTER'], 1)
  await reader.catchUp()
  t.same(
    reader.told.slice(-1).map(({ sku }) => sku),
    ['AFTER']
  )
  await t.rejects(late.read(), /cursor-expired/)
  await t.rejects(feedReader(second, key, 'limit=50').read(), /cursor-expired/, 'nor can one begin')
})
