import fc from 'fast-check'
import t from 'tap'
import { createGroupCommit } from '../../../src/integrations/webhooks/receive/record-events.ts'
import { databaseUnavailable } from '../../../src/platform/database/database-error.ts'

const TIMEOUT_MS = 1000

/**
 * A table of texts, each of them unique; `bad` cannot be stored. Its statements wait until it is opened. A text that ends
 * in a slash and a number has so many bytes.
 */
function table() {
  const rows = new Set<string>()
  const statements: string[][] = []
  const gates: (() => void)[] = []
  let isOpen = false
  let now = 0

  async function insertAll(group: readonly string[]) {
    if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve))
    statements.push([...group])
    if (group.includes('away')) throw databaseUnavailable(new Error('away'))
    if (group.includes('bad')) throw Object.assign(new Error('bad'), { code: 'ER_DATA_TOO_LONG' })
    if (group.some((row) => rows.has(row)) || new Set(group).size < group.length) {
      throw Object.assign(new Error('twice'), { code: 'ER_DUP_ENTRY' })
    }
    for (const row of group) rows.add(row)
  }

  const insert = createGroupCommit<string>({
    keyOf: (row) => row,
    bytesOf: (row) => Number(row.split('/')[1] ?? 1),
    insertAll,
    timeoutMs: TIMEOUT_MS,
    monotonicMs: () => now
  })
  return {
    insert,
    rows,
    statements,
    /** Lets all statements pass, from now on. */
    open() {
      isOpen = true
      for (const pass of gates.splice(0)) pass()
    },
    passTime(ms: number) {
      now += ms
    }
  }
}

t.test('the first row is inserted at once; rows that arrive meanwhile share statements', async (t) => {
  const { insert, statements, open } = table()
  const names = Array.from({ length: 100 }, (_, number) => `r${number}`)
  const results = names.map(insert)
  open()
  t.ok((await Promise.all(results)).every((isNew) => isNew))
  t.same(
    statements.map((group) => group.length),
    [1, 64, 32, 2, 1]
  )
  t.same(statements.flat(), names)
})

t.test('each row has its own result, whatever rows it is inserted with', async () => {
  const row = fc.oneof({ weight: 9, arbitrary: fc.integer({ max: 20, min: 0 }).map(String) }, fc.constant('bad'))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 150 }), async (names) => {
      const { insert, rows, open } = table()
      const results = names.map((name) => insert(name).catch((error) => error.code))
      open()
      const outcomes = await Promise.all(results)
      for (const name of new Set(names)) {
        const own = outcomes.filter((_, place) => names[place] === name)
        const expected = name === 'bad' ? own.map(() => 'ER_DATA_TOO_LONG') : [...own.slice(1).map(() => false), true]
        if (JSON.stringify(own.sort()) !== JSON.stringify(expected)) throw new Error(`${name}: ${own}`)
        if (rows.has(name) !== (name !== 'bad')) throw new Error(`${name} in the table`)
      }
    })
  )
})

t.test('no statement has a key twice, and a key that exists does not keep others out', async (t) => {
  const { insert, rows, statements, open } = table()
  for (const name of ['a', 'b']) rows.add(name)
  const results = ['first', 'a', 'c', 'c', 'd', 'b'].map(insert)
  open()
  t.same(await Promise.all(results), [true, false, true, false, true, false])
  t.same([...rows].sort(), ['a', 'b', 'c', 'd', 'first'])
  t.ok(statements.every((group) => new Set(group).size === group.length))
})

t.test('a row that has waited too long is not inserted, and the others are', async (t) => {
  const { insert, rows, open, passTime } = table()
  const first = insert('first')
  const late = insert('late')
  passTime(TIMEOUT_MS)
  const fresh = insert('fresh')
  open()
  t.equal(await first, true)
  await t.rejects(late, { code: 'database-timeout', status: 503 })
  t.equal(await fresh, true)
  t.same([...rows], ['first', 'fresh'])
})

t.test('the bytes of a statement are limited, and so are those that wait', async (t) => {
  const { insert, statements, open } = table()
  const size = 2 ** 20
  const results = [insert('first/1'), ...[1, 2, 3].map((number) => insert(`half${number}/${size / 2}`))]
  results.push(insert(`large/${size * 2}`), insert('small/1'))
  const rest = Array.from({ length: 28 }, (_, number) => insert(`filling${number}/${size}`))
  await t.rejects(insert(`more/${size}`), { code: 'overloaded', status: 503 })
  open()
  await Promise.all([...results, ...rest])
  t.same(
    statements.slice(0, 5).map((group) => group.map((name) => name.split('/')[0])),
    [['first'], ['half1', 'half2'], ['half3'], ['large'], ['small']]
  )
  t.equal(await insert(`more/${size}`), true, 'there is room again')
})

t.test('when the database does not answer, all rows of the statement fail, and later ones are tried', async (t) => {
  const { insert, rows, statements, open } = table()
  const results = ['first', 'a', 'away'].map(insert)
  open()
  t.match(await Promise.allSettled(results), [
    { value: true },
    { status: 'rejected', reason: { code: 'database-unavailable' } },
    { status: 'rejected', reason: { code: 'database-unavailable' } }
  ])
  t.same(statements, [['first'], ['a', 'away']], 'it is not split')
  t.equal(await insert('d'), true)
  t.same([...rows], ['first', 'd'])
})
