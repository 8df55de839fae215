import t from 'tap'
import { retryContention } from '../../src/database/retry-contention.ts'

function failing(times: number, code: string) {
  let attempts = 0
  const work = async () => {
    attempts++
    if (attempts <= times) throw Object.assign(new Error(code), { code })
    return attempts
  }
  return { work, attempts: () => attempts }
}

t.test('what lost against another transaction is run again', async (t) => {
  for (const code of ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']) {
    t.equal(await retryContention(failing(2, code).work), 3)
  }
  t.equal(await retryContention(failing(1, 'ER_DUP_ENTRY').work, ['ER_DUP_ENTRY']), 2)
})

t.test('but not for ever', async (t) => {
  const { work, attempts } = failing(100, 'ER_LOCK_DEADLOCK')
  await t.rejects(retryContention(work), { code: 'ER_LOCK_DEADLOCK' })
  t.ok(attempts() > 2 && attempts() < 10)
})

t.test('any other failure is final', async (t) => {
  const { work, attempts } = failing(1, 'ER_DUP_ENTRY')
  await t.rejects(retryContention(work), { code: 'ER_DUP_ENTRY' })
  t.equal(attempts(), 1)
})
