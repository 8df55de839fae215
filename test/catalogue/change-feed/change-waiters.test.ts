import t from 'tap'
import { createChangeWaiters } from '../../../src/catalogue/change-feed/change-waiters.ts'
import { createChangeIndex } from '../../../src/catalogue/change-log/change-index.ts'
import { change, toId } from '../../support/change-log.ts'

const LONG_MS = 60_000
const { signal } = new AbortController()

function prepare(head: number) {
  const changeIndex = createChangeIndex()
  changeIndex.restart(head)
  const apply = (seq: number) => changeIndex.apply([{ seq, changes: [change(seq)] }])
  return { changeIndex, waiters: createChangeWaiters(changeIndex, 3), apply }
}

t.test('a wait ends when the log grows, not when a write is only marked', async (t) => {
  const { changeIndex, waiters, apply } = prepare(5)
  const behind = waiters.wait(5, LONG_MS, signal)
  const ahead = waiters.wait(6, LONG_MS, signal)
  changeIndex.markWritten([toId(1)])
  t.equal(waiters.count, 2)
  apply(6)
  t.equal(await behind, true)
  t.equal(waiters.count, 1)
  apply(7)
  t.equal(await ahead, true)
  t.equal(await waiters.wait(6, LONG_MS, signal), true, 'where the log has gone on already')
  t.equal(waiters.count, 0)
})

t.test('all waits end when the log was replaced', async (t) => {
  const { changeIndex, waiters } = prepare(5)
  const wait = waiters.wait(5, LONG_MS, signal)
  changeIndex.restart(2)
  t.equal(await wait, true)
})

t.test('a wait ends with its timeout, and when its client disconnects', async (t) => {
  const { waiters } = prepare(5)
  t.equal(await waiters.wait(5, 10, signal), false)
  const client = new AbortController()
  const wait = waiters.wait(5, LONG_MS, client.signal)
  client.abort()
  t.equal(await wait, false)
  t.equal(await waiters.wait(5, LONG_MS, client.signal), false, 'who is gone does not begin to wait')
  t.equal(waiters.count, 0)
})

t.test('the number of waits is limited, and each place becomes free again', async (t) => {
  const { waiters, apply } = prepare(5)
  const waits = [1, 2, 3].map(() => waiters.wait(5, LONG_MS, signal))
  await t.rejects(waiters.wait(5, LONG_MS, signal), { code: 'overloaded', headers: { 'retry-after': '5' } })
  apply(6)
  t.same(await Promise.all(waits), [true, true, true])
  t.equal(await waiters.wait(6, 1, signal), false)
})

t.test('after close nothing waits', async (t) => {
  const { waiters } = prepare(5)
  const waits = [waiters.wait(5, LONG_MS, signal), waiters.wait(5, LONG_MS, signal)]
  waiters.close()
  t.same(await Promise.all(waits), [false, false])
  t.equal(await waiters.wait(5, LONG_MS, signal), false)
})
