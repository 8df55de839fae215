import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { numberChanges, readChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { begin, logNumbers, tailDatabase, toId } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

async function prepare(t: Test) {
  const config = await testConfig(t)
  return { config, connection: await testConnection(t, config), database: tailDatabase(t, config) }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** The rows in the order of their numbers, those without one first. */
async function numberedRows(connection: Connection): Promise<{ seq: number | null; id: number }[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT seq, id FROM product_changes ORDER BY seq, id')
  return rows.map(({ seq, id }) => ({ seq, id }))
}

t.test('eight concurrent callers number every row once, without gaps', async (t) => {
  const { config, connection } = await prepare(t)
  const numberers = range(1, 8).map(() => tailDatabase(t, config))
  await logNumbers(connection, range(1, 430))
  await Promise.all(numberers.map(numberChanges))
  t.same(
    await numberedRows(connection),
    range(1, 430).map((number) => ({ seq: number, id: number })),
    'in the order in which they came, as nobody was slow'
  )

  const writers = await Promise.all(range(1, 4).map(() => testConnection(t, config)))
  let writing = writers.length
  const write = async (writer: Connection) => {
    await logNumbers(writer, range(1, 100))
    writing--
  }
  let left = 0
  const number = async (database: Database) => {
    while (writing > 0) {
      const before = await unnumbered(database)
      await numberChanges(database)
      const after = new Set(await unnumbered(database))
      left += before.filter((id) => after.has(id)).length
    }
    await numberChanges(database)
  }
  await Promise.all([...writers.map(write), ...numberers.map(number)])
  t.same(
    (await numberedRows(connection)).map(({ seq }) => seq),
    range(1, 830)
  )
  t.equal(left, 0, 'what was there before is numbered, whichever instance was quicker')
})

async function unnumbered(database: Database): Promise<number[]> {
  const rows = await database.execute<{ id: number }>('SELECT id FROM product_changes WHERE seq IS NULL', [])
  return rows.map(({ id }) => id)
}

t.test(
  'a transaction that wrote first and commits last gets the last number, and its readers do not skip it',
  async (t) => {
    const { config, connection, database } = await prepare(t)
    const slow = await testConnection(t, config)
    await begin(slow)
    await logNumbers(slow, [1])
    await logNumbers(connection, [2, 3])
    await numberChanges(database)
    const first = await readChanges(database, 0)
    t.same(
      first?.rows.map(({ changes }) => changes[0]?.id),
      [toId(2), toId(3)]
    )
    await slow.commit()
    await numberChanges(database)
    const second = await readChanges(database, 2)
    t.match(second, { isComplete: true, rows: [{ seq: 3, changes: [{ id: toId(1) }] }] })
  }
)

t.test('numbering does not wait for open transactions, whatever is in the log', async (t) => {
  const { config, connection, database } = await prepare(t)
  const open = await Promise.all([1, 2].map(() => testConnection(t, config)))
  for (const { numbered, committed } of [
    { numbered: 0, committed: 1 },
    { numbered: 0, committed: 60 },
    { numbered: 100, committed: 1 },
    { numbered: 100, committed: 49 },
    { numbered: 100, committed: 120 },
    { numbered: 1000, committed: 3 }
  ]) {
    await connection.query('TRUNCATE product_changes')
    if (numbered > 0) await logNumbers(connection, range(1, numbered))
    await numberChanges(database)
    for (const writer of open) {
      await begin(writer)
      await logNumbers(writer, [0])
      await logNumbers(connection, range(1, committed))
    }
    await numberChanges(database)
    const rows = await numberedRows(connection)
    t.same(
      rows.map(({ seq }) => seq),
      range(1, numbered + 2 * committed),
      `${committed} after ${numbered}`
    )
    for (const writer of open) await writer.rollback()
  }
})

t.test('the caller that loses a race starts again', async (t) => {
  const { config, connection, database } = await prepare(t)
  const first = await testConnection(t, config)
  await logNumbers(connection, [1, 2, 3])
  await begin(first)
  await first.query('UPDATE product_changes SET seq = 1 WHERE id = 2')
  const numbering = numberChanges(database)
  await waitFor('it wants the same number', async () => {
    const [[row]] = await connection.query<RowDataPacket[]>(
      "SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'UPDATE%'"
    )
    return row !== undefined
  })
  await first.commit()
  await numbering
  t.same(
    (await numberedRows(connection)).map(({ id }) => id),
    [2, 1, 3]
  )
})

t.test('no writer waits for a caller that stalled half-way', async (t) => {
  const { config, connection, database } = await prepare(t)
  const stopped = await testConnection(t, config)
  await logNumbers(connection, [1, 2])
  await begin(stopped)
  await stopped.query('UPDATE product_changes SET seq = 1 WHERE id = 1')
  await connection.query('SET SESSION innodb_lock_wait_timeout = 1')
  await logNumbers(connection, [3, 4])
  await stopped.rollback()
  await numberChanges(database)
  t.same(
    (await numberedRows(connection)).map(({ seq }) => seq),
    [1, 2, 3, 4]
  )
})

t.test('numbering costs what the rows without a number cost, not what the log costs', async (t) => {
  const { connection, database } = await prepare(t)
  const values = range(1, 20_000).map((seq) => [seq, '2026-01-01', '+'])
  await connection.query('INSERT INTO product_changes (seq, changed_at, entries) VALUES ?', [values])
  for (const rows of [1, 10, 400]) {
    await logNumbers(connection, range(1, rows))
    const before = await rowsRead(database)
    await numberChanges(database)
    const read = (await rowsRead(database)) - before
    // Looking at the counters counts too.
    t.ok(read < 100 + 10 * rows ** 1.5, `${read} for ${rows}`)
  }
})

/** How many rows the connection of the numberer has read so far. */
async function rowsRead(database: Database): Promise<number> {
  const rows = await database.execute<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler_read%'", [])
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}
