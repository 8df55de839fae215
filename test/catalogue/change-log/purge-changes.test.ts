import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { appendChanges, numberChanges, purgeStep } from '../../../src/catalogue/change-log/product-changes.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { startRepeating } from '../../../src/platform/lib/repeat.ts'
import { begin, change, logNumbers, tailDatabase } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const OLD = '2026-01-01 00:00:00.000'
const BEFORE = '2026-01-02 00:00:00.000'
const NEW = '2026-01-02 00:00:00.000'

/** A log of rows from these times. */
async function prepare(t: Test, times: readonly string[]) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const database = tailDatabase(t, config)
  for (const [number, time] of times.entries()) await appendChanges(connection, [change(number)], time)
  await numberChanges(database)
  return { config, connection, database }
}

async function purgeAll(database: Database): Promise<number[]> {
  const counts: number[] = []
  for (let isComplete = false; !isComplete; ) {
    const step = await purgeStep(database, BEFORE)
    counts.push(step.purged)
    isComplete = step.isComplete
  }
  return counts
}

async function seqs(connection: Connection): Promise<(number | null)[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT seq FROM product_changes ORDER BY seq')
  return rows.map(({ seq }) => seq)
}

for (const [what, times, left] of [
  ['an empty log', [], []],
  ['a young log', [NEW, NEW], [1, 2]],
  ['old rows go, but for the last one, where the first young row follows', [OLD, OLD, OLD, NEW, NEW], [3, 4, 5]],
  ['the highest row stays, however old', [OLD, OLD, OLD], [3]],
  ['what is behind a young row stays, as the log has no holes', [OLD, OLD, NEW, OLD, OLD, OLD], [2, 3, 4, 5, 6]]
] as const) {
  t.test(what, async (t) => {
    const { connection, database } = await prepare(t, times)
    await purgeAll(database)
    t.same(await seqs(connection), left)
  })
}

t.test('a purge goes in small steps, to the end', async (t) => {
  const { connection, database } = await prepare(
    t,
    Array.from({ length: 250 }, () => OLD)
  )
  t.same(await purgeAll(database), [100, 100, 49])
  t.same(await seqs(connection), [250])
  await logNumbers(connection, [1])
  await numberChanges(database)
  t.same(await seqs(connection), [250, 251], 'the numbers go on')
})

t.test('rows without a number stay, and open transactions do not block the purge, however short the log', async (t) => {
  for (const rows of [2, 4, 6, 101, 300]) {
    const { config, connection, database } = await prepare(
      t,
      Array.from({ length: rows }, () => OLD)
    )
    const writer = await testConnection(t, config)
    await begin(writer)
    await appendChanges(writer, [change(1)], OLD)
    await appendChanges(connection, [change(2)], OLD)
    await purgeAll(database)
    await writer.commit()
    t.same(await seqs(connection), [null, null, rows])
  }
})

t.test('neither writing nor numbering waits for a purge that stalled half-way', async (t) => {
  const { config, connection, database } = await prepare(t, [OLD, OLD, OLD, NEW])
  const stopped = await testConnection(t, config)
  await stopped.beginTransaction()
  const { purged } = await purgeStep(
    {
      async execute<Row>(sql: string, params: readonly (string | number | Buffer | null)[]) {
        const [rows] = await stopped.query(sql, [...params])
        return rows as Row[]
      }
    },
    BEFORE
  )
  t.equal(purged, 2)
  await connection.query('SET SESSION innodb_lock_wait_timeout = 1')
  await logNumbers(connection, [3, 4])
  await numberChanges(database)
  await stopped.commit()
  t.same(await seqs(connection), [3, 4, 5, 6])
})

t.test('several purges run at once while the log grows', async (t) => {
  const { config, connection, database } = await prepare(t, [OLD])
  const purgers = Array.from({ length: 3 }, () => tailDatabase(t, config))
  let isWriting = true
  const purging = purgers.map(async (purger) => {
    while (isWriting) await purgeStep(purger, BEFORE)
  })
  for (let number = 1; number <= 200; number++) {
    await appendChanges(connection, [change(number)], OLD)
    await numberChanges(database)
  }
  isWriting = false
  await Promise.all(purging)
  await purgeAll(database)
  t.same(await seqs(connection), [201])
})

t.test('the purge repeats until it is stopped, even after a failure', async (t) => {
  const { connection, database } = await prepare(
    t,
    Array.from({ length: 250 }, () => OLD)
  )
  const counts = { purged: 0, failures: 0 }
  await connection.query('RENAME TABLE product_changes TO hidden')
  const purge = startRepeating({
    async step() {
      const result = await purgeStep(database, BEFORE)
      counts.purged += result.purged
      return result
    },
    intervalMs: 10,
    onFailure: () => counts.failures++,
    onSuccess: () => {}
  })
  t.teardown(() => purge.stop())
  await waitFor('it has failed', () => counts.failures > 1)
  await connection.query('RENAME TABLE hidden TO product_changes')
  await waitFor('it has purged', () => counts.purged === 249)
  t.same(await seqs(connection), [250])
})
