import t, { type Test } from 'tap'
import { numberChanges, readChanges, readHead } from '../../../src/catalogue/change-log/product-changes.ts'
import { logNumbers, tailDatabase } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

async function prepare(t: Test, rows: number) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const database = tailDatabase(t, config)
  await logNumbers(
    connection,
    Array.from({ length: rows }, (_, index) => index + 1)
  )
  await numberChanges(database)
  return { connection, database }
}

t.test('an empty log', async (t) => {
  const { database } = await prepare(t, 0)
  t.equal(await readHead(database), 0)
  t.same(await readChanges(database, 0), { rows: [], isComplete: true })
})

t.test('any number leads to the end, step by step', async (t) => {
  const { database } = await prepare(t, 203)
  t.equal(await readHead(database), 203)
  for (const since of [0, 1, 2, 101, 102, 103, 104, 202, 203]) {
    const seqs: number[] = []
    for (let isComplete = false; !isComplete; ) {
      const step = await readChanges(database, seqs.at(-1) ?? since)
      if (step === undefined) throw new Error('the log has the number')
      seqs.push(...step.rows.map(({ seq }) => seq))
      isComplete = step.isComplete
    }
    t.same(
      seqs,
      Array.from({ length: 203 - since }, (_, index) => since + index + 1)
    )
  }
})

t.test('a number that the log does not have gives undefined', async (t) => {
  const { connection, database } = await prepare(t, 20)
  t.equal(await readChanges(database, 21), undefined, 'restored to an older state')
  await connection.query('DELETE FROM product_changes WHERE seq <= 10')
  t.equal(await readChanges(database, 9), undefined, 'purged past it')
  t.equal(await readChanges(database, 0), undefined, 'purged past the start')
  t.equal((await readChanges(database, 11))?.rows.length, 9)
  await connection.query('DELETE FROM product_changes')
  t.equal(await readChanges(database, 20), undefined, 'emptied')
})
