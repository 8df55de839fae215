import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Connection } from 'mysql2/promise'
import t from 'tap'
import { numberChanges, readChanges, readHead } from '../../../src/catalogue/change-log/product-changes.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { begin, logNumbers, tailDatabase, toId } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const WRITERS = 4
const NUMBERERS = 3

/** What happens next. What makes no sense in its place (a row of a writer that has not begun) is left out. */
type Step =
  | { act: 'begin' | 'write' | 'commit' | 'roll back'; writer: number }
  /** They number together, and what follows does not wait for them when they are in the background. */
  | { act: 'number'; numberers: number; isBackground: boolean }
  | { act: 'read'; reader: number }
  | { act: 'join' }

interface Reader {
  from: number
  cursor: number
  seen: string[]
}

const writer = fc.nat({ max: WRITERS - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('begin'), writer }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('write'), writer }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('commit'), writer }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('roll back'), writer }) },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('number'),
      numberers: fc.integer({ min: 1, max: NUMBERERS }),
      isBackground: fc.boolean()
    })
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('read'), reader: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('join') }) }
)

t.test(
  'every reader sees every committed row once, in the same order, and none appears behind its position',
  async (t) => {
    const config = await testConfig(t)
    const admin = await testConnection(t, config)
    const connections = await Promise.all(Array.from({ length: WRITERS }, () => testConnection(t, config)))
    const numbererDatabases = Array.from({ length: NUMBERERS }, () => tailDatabase(t, config))
    const readerDatabase = tailDatabase(t, config)
    let moved = 0

    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        await admin.query('TRUNCATE product_changes')
        const run = start(connections, numbererDatabases, readerDatabase)
        for (const one of steps) await run.act(one)
        const { committed, readers } = await run.finish()
        const [all, ...others] = readers
        assert.deepEqual(all?.seen.toSorted(), committed.toSorted(), 'each committed row once, and no other')
        for (const { from, seen } of others) assert.deepEqual(seen, all?.seen.slice(from))
        assert.equal(all?.cursor, committed.length, 'the numbers have no gap')
        if (all?.seen.join() !== all?.seen.toSorted().join()) moved++
      }),
      { numRuns: 150 }
    )
    t.ok(moved > 10, `in ${moved} of 150 the order of the commits is not that of the rows`)
  }
)

function start(connections: readonly Connection[], numberers: readonly Database[], database: Database) {
  const open = new Map<number, string[]>()
  const committed: string[] = []
  const readers: Reader[] = [{ from: 0, cursor: 0, seen: [] }]
  const background: Promise<unknown>[] = []
  let count = 0

  async function read(reader: Reader) {
    for (;;) {
      const step = await readChanges(database, reader.cursor)
      assert.ok(step)
      reader.seen.push(...step.rows.flatMap(({ changes }) => changes.map(({ id }) => id)))
      reader.cursor = step.rows.at(-1)?.seq ?? reader.cursor
      if (step.isComplete) return
    }
  }

  async function write(index: number, connection: Connection) {
    const rows = open.get(index)
    count++
    await logNumbers(connection, [count])
    // Without a transaction it is committed at once.
    const target = rows ?? committed
    target.push(toId(count))
  }

  async function end(index: number, how: 'commit' | 'roll back') {
    const rows = open.get(index)
    if (rows === undefined) return
    open.delete(index)
    const connection = connections[index]
    if (how === 'roll back') return await connection?.rollback()
    await connection?.commit()
    committed.push(...rows)
  }

  async function act(step: Step) {
    switch (step.act) {
      case 'begin': {
        const connection = connections[step.writer]
        if (connection === undefined || open.has(step.writer)) return
        open.set(step.writer, [])
        return await begin(connection)
      }
      case 'write': {
        const connection = connections[step.writer]
        return connection && (await write(step.writer, connection))
      }
      case 'commit':
      case 'roll back':
        return await end(step.writer, step.act)
      case 'number': {
        const numbering = Promise.all(numberers.slice(0, step.numberers).map(numberChanges))
        background.push(numbering)
        return step.isBackground ? undefined : await numbering
      }
      case 'read': {
        const reader = readers[step.reader]
        return reader && (await read(reader))
      }
      case 'join': {
        const head = await readHead(database)
        if (readers.length < 3) readers.push({ from: head, cursor: head, seen: [] })
      }
    }
  }

  async function finish() {
    for (const index of [...open.keys()]) await end(index, 'commit')
    await Promise.all(background)
    await Promise.all(numberers.map(numberChanges))
    for (const reader of readers) await read(reader)
    return { committed, readers }
  }

  return { act, finish }
}
