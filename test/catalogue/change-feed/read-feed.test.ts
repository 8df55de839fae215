import t, { type Test } from 'tap'
import { BEGINNING, type ChangeFeedPosition } from '../../../src/catalogue/change-feed/feed-cursor.ts'
import { readFeed } from '../../../src/catalogue/change-feed/read-feed.ts'
import { appendChanges, numberChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import { change, logNumbers, tailDatabase, toId } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const CHANGED_AT = '2026-03-01 09:30:00.250'

/** A log whose rows hold so many changes, whose ids are their places in it. */
async function prepare(t: Test, sizes: readonly number[]) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const database = tailDatabase(t, config)
  let count = 0
  for (const size of sizes) {
    const changes = Array.from({ length: size }, () => change(count++))
    await appendChanges(connection, changes, CHANGED_AT)
  }
  await numberChanges(database)
  const ids = Array.from({ length: count }, (_, number) => toId(number))
  return { connection, database, ids }
}

t.test('an empty log', async (t) => {
  const { database } = await prepare(t, [])
  t.same(await readFeed(database, BEGINNING, 10), { changes: [], next: BEGINNING, hasMore: false })
})

t.test('pages of any size add up to the same, and hasMore is right', async (t) => {
  const { database, ids } = await prepare(t, [1, 3, 500, 1, 1, 1, 1, 2, 40, ...Array.from({ length: 150 }, () => 1)])
  for (const limit of [1, 2, 7, 100, 499, 500, 504, 1000]) {
    const seen: string[] = []
    const sizes = new Set<number>()
    let from: ChangeFeedPosition = BEGINNING
    for (let hasMore = true; hasMore; ) {
      const stretch = await readFeed(database, from, limit)
      seen.push(...stretch.changes.map(({ id }) => id))
      if (stretch.hasMore) sizes.add(stretch.changes.length)
      t.equal(stretch.hasMore, seen.length < ids.length, `${seen.length} in pages of ${limit}`)
      from = stretch.next
      hasMore = stretch.hasMore
    }
    t.same(seen, ids)
    if (limit < ids.length) t.same([...sizes], [limit], 'every page but the last is full')
    t.same(await readFeed(database, from, limit), { changes: [], next: from, hasMore: false })
  }
})

t.test('a change has its time', async (t) => {
  const { database } = await prepare(t, [1])
  const { changes } = await readFeed(database, BEGINNING, 1)
  t.same(changes, [{ type: 'upsert', id: toId(0), sku: null, at: '2026-03-01T09:30:00.250Z' }])
})

t.test('purged positions are expired, the beginning too; later ones work', async (t) => {
  const { connection, database, ids } = await prepare(t, [2, 2, 2, 2])
  const at = async (limit: number) => (await readFeed(database, BEGINNING, limit)).next
  const [first, second, inThird] = await Promise.all([at(2), at(4), at(5)])
  await connection.query('DELETE FROM product_changes WHERE seq = 1')
  for (const from of [BEGINNING, first])
    await t.rejects(readFeed(database, from, 10), { code: 'cursor-expired', status: 410 })
  for (const [from, taken] of [
    [second, 4],
    [inThird, 5]
  ] as const) {
    const { changes } = await readFeed(database, from, 10)
    t.same(
      changes.map(({ id }) => id),
      ids.slice(taken)
    )
  }
})

t.test('a position of another log, or after the end, is refused', async (t) => {
  const { connection, database } = await prepare(t, [2, 2])
  const other = await prepare(t, [2, 2, 2])
  const refused = { code: 'invalid-cursor', status: 400 }
  const { next } = await readFeed(database, BEGINNING, 2)
  const end = (await readFeed(database, BEGINNING, 10)).next
  await t.rejects(readFeed(database, { ...next, seq: 2 }, 10), refused, 'the stamp is of another row')
  await t.rejects(readFeed(database, { ...next, seq: 3 }, 10), refused)
  await t.rejects(readFeed(database, { ...next, taken: 2 }, 10), refused, 'it would be written as the next row')
  await t.rejects(readFeed(database, { ...end, taken: 1 }, 10), refused, 'there is no next row')
  await t.rejects(readFeed(database, { ...BEGINNING, seq: 1 }, 10), refused)

  await other.connection.query("UPDATE product_changes SET changed_at = '2026-03-01 09:30:00.251' WHERE seq = 2")
  await t.rejects(readFeed(other.database, end, 10), refused, 'another log has another row of that number')
  await connection.query('DELETE FROM product_changes WHERE seq = 2')
  await t.rejects(readFeed(database, end, 10), refused, 'restored to an older state')
  await logNumbers(connection, [7])
  await numberChanges(database)
  await t.rejects(readFeed(database, end, 10), refused, 'and written on')
})
