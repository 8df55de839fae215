import fc from 'fast-check'
import t from 'tap'
import { createGroupInserts } from '../../../src/integrations/webhooks/receive/group-inserts.ts'
import { databaseUnavailable } from '../../../src/platform/database/database-error.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A table of texts, in which each is once; `bad` can't be in it. It takes one statement at a time, when it is let. */
function table() {
  const rows = new Set<string>()
  const statements: string[][] = []
  const gates: (() => void)[] = []
  let isOpen = false
  return {
    rows,
    statements,
    /** From now on it takes all statements. */
    open() {
      isOpen = true
      for (const pass of gates.splice(0)) pass()
    },
    async insertAll(group: readonly string[]) {
      if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve))
      statements.push([...group])
      const seen = new Set<string>()
      for (const row of group) {
        if (row === 'bad') throw Object.assign(new Error('bad'), { code: 'ER_DATA_TOO_LONG' })
        if (rows.has(row) || seen.has(row)) throw Object.assign(new Error('twice'), { code: 'ER_DUP_ENTRY' })
        seen.add(row)
      }
      for (const row of group) rows.add(row)
    }
  }
}

const keyOf = (row: string) => row
/** Nothing is found: what is there all the same has come in between. */
const findPresent = async () => new Set<string>()

const bytesOf = (row: string) => Number(row.split('/')[1] ?? 1)

t.test('the first row goes at once, those that come meanwhile together', async (t) => {
  const { statements, open, insertAll } = table()
  const insert = createGroupInserts({ keyOf, findPresent, insertAll, bytesOf, timeoutMs: 60_000 })
  const names = Array.from({ length: 100 }, (_, number) => `r${number}`)
  const answers = names.map(insert)
  open()
  t.ok((await Promise.all(answers)).every((isNew) => isNew))
  t.same(
    statements.map((group) => group.length),
    [1, 64, 32, 2, 1]
  )
  t.same(statements.flat(), names)
})

t.test('each row is told what becomes of it, whatever it came with', async () => {
  const row = fc.oneof({ weight: 9, arbitrary: fc.integer({ max: 20, min: 0 }).map(String) }, fc.constant('bad'))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 150 }), async (names) => {
      const { rows, open, insertAll } = table()
      const insert = createGroupInserts({ keyOf, findPresent, insertAll, bytesOf, timeoutMs: 60_000 })
      const answers = names.map((name) => insert(name).catch((error) => error.code))
      open()
      const outcomes = await Promise.all(answers)
      for (const name of new Set(names)) {
        const own = outcomes.filter((_, place) => names[place] === name)
        const expected = name === 'bad' ? own.map(() => 'ER_DATA_TOO_LONG') : [...own.slice(1).map(() => false), true]
        if (JSON.stringify(own.sort()) !== JSON.stringify(expected)) throw new Error(`${name}: ${own}`)
        if (rows.has(name) !== (name !== 'bad')) throw new Error(`${name} in the table`)
      }
    })
  )
})

t.test('what is there already goes into no statement, nor does the same row twice', async (t) => {
  const { rows, statements, open, insertAll } = table()
  open()
  for (const name of ['a', 'b']) rows.add(name)
  const asked: string[][] = []
  const insert = createGroupInserts({
    keyOf,
    bytesOf,
    insertAll,
    timeoutMs: 60_000,
    async findPresent(keys) {
      asked.push([...keys])
      return new Set(keys.filter((key) => rows.has(key)))
    }
  })
  t.same(await Promise.all(['a', 'c', 'c', 'b', 'd', 'c'].map(insert)), [false, true, false, false, true, false])
  t.same(statements, [['c'], ['d']])
  t.same(asked, [['a'], ['c', 'b'], ['c', 'd'], ['c']])
})

t.test('a row that is late takes no others with it', async (t) => {
  const { rows, open, insertAll } = table()
  const insert = createGroupInserts({ keyOf, findPresent, insertAll, bytesOf, timeoutMs: 300 })
  const first = insert('first')
  const late = insert('late')
  late.catch(() => {})
  const startedAt = performance.now()
  await waitFor('the second one is late', 10_000, () => performance.now() - startedAt > 310)
  const fresh = insert('fresh')
  open()
  t.equal(await first, true)
  await t.rejects(late, { code: 'database-timeout' })
  t.equal(await fresh, true)
  t.same([...rows], ['first', 'fresh'])
})

t.test('a group has a bounded size, and so has what waits', async (t) => {
  const { statements, open, insertAll } = table()
  const insert = createGroupInserts({ keyOf, findPresent, insertAll, bytesOf, timeoutMs: 60_000 })
  const size = 2 ** 20
  const answers = [insert('first/1'), ...[1, 2, 3].map((number) => insert(`half${number}/${size / 2}`))]
  answers.push(insert(`large/${size * 2}`), insert('small/1'))
  const rest = Array.from({ length: 28 }, (_, number) => insert(`filling${number}/${size}`))
  await t.rejects(insert(`more/${size}`), { code: 'overloaded', status: 503 })
  open()
  await Promise.all([...answers, ...rest])
  t.same(
    statements.slice(0, 5).map((group) => group.map((name) => name.split('/')[0])),
    [['first'], ['half1', 'half2'], ['half3'], ['large'], ['small']]
  )
})

t.test(
  'when the database does not answer, nobody is told that he is recorded, and the next ones are tried',
  async (t) => {
    const { rows, open, insertAll } = table()
    let isAway = true
    const insert = createGroupInserts<string>({
      keyOf,
      findPresent,
      bytesOf,
      timeoutMs: 60_000,
      async insertAll(group) {
        if (isAway) throw databaseUnavailable(new Error('away'))
        await insertAll(group)
      }
    })
    const results = await Promise.allSettled(['a', 'b', 'c'].map(insert))
    t.match(
      results,
      [1, 2, 3].map(() => ({ status: 'rejected', reason: { code: 'database-unavailable' } }))
    )
    isAway = false
    open()
    t.equal(await insert('d'), true)
    t.same([...rows], ['d'])
  }
)

t.test('what has waited too long is not inserted', async (t) => {
  const { rows, open, insertAll } = table()
  const insert = createGroupInserts({ keyOf, findPresent, insertAll, bytesOf, timeoutMs: 0 })
  const first = insert('a')
  await t.rejects(first, { code: 'database-timeout', status: 503 })
  open()
  t.equal(rows.size, 0)
})
