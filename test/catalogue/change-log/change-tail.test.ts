import t, { type Test } from 'tap'
import { createChangeIndex } from '../../../src/catalogue/change-log/change-index.ts'
import { openChangeTail } from '../../../src/catalogue/change-log/change-tail.ts'
import { numberChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import { begin, logNumbers, tailDatabase, toId } from '../../support/change-log.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

/** How long the tail says that the log is to be trusted, from the beginning of a reading. */
const TRUST_MS = 900
const nowMs = () => performance.now()

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const { mysql, config: proxiedConfig } = await proxied(t, config)
  const index = createChangeIndex()
  const told: (string | null)[] = []
  index.onChanged((productIds) => told.push(...(productIds ?? [null])))
  const counts = { failures: 0, successes: 0 }
  const tail = openChangeTail({
    database: tailDatabase(t, proxiedConfig),
    index,
    nowMs,
    onFailure: () => counts.failures++,
    onSuccess: () => counts.successes++
  })
  t.teardown(() => tail.stop())
  const follows = (what: string, number: number) =>
    waitFor(what, () => told.includes(toId(number)) && nowMs() < tail.trustedUntilMs)
  await waitFor('the log is read', () => index.version !== null)
  return { config, connection, mysql, index, told, counts, tail, follows }
}

t.test('while the tail is trusted, the index has all changes older than a second', async (t) => {
  const { config, connection, index, tail } = await prepare(t)
  const slow = await testConnection(t, config)
  let missed = 0
  for (let round = 1; round <= 40; round++) {
    if (round % 4 === 1) await begin(slow)
    if (round % 4 === 1) await logNumbers(slow, [1000 + round])
    await logNumbers(connection, [round])
    if (round % 4 === 0) await slow.commit()
    const committedAtMs = nowMs()
    tail.readNow()
    await waitFor('a reading that began later', () => tail.trustedUntilMs - TRUST_MS > committedAtMs)
    if (index.version !== round + Math.floor(round / 4)) missed++
    t.ok(index.validFrom(toId(round)) === index.version || round % 4 === 0)
  }
  t.equal(missed, 0)
})

t.test('trust is counted from the start of a reading, not from its end', async (t) => {
  const { connection, mysql, index, tail } = await prepare(t)
  mysql.delay(40)
  for (let round = 1; round <= 6; round++) {
    const { chunks } = mysql
    tail.readNow()
    await waitFor('a reading has found what there is to number', () => mysql.chunks >= chunks + 2)
    await logNumbers(connection, [round])
    const committedAtMs = nowMs()
    await waitFor('a reading that began later', () => tail.trustedUntilMs - TRUST_MS > committedAtMs)
    t.equal(index.version, round)
  }
})

t.test('each change arrives once, in the order of the log', async (t) => {
  const { connection, told, follows } = await prepare(t)
  const numbers = Array.from({ length: 330 }, (_, index) => index + 1)
  await logNumbers(connection, numbers)
  await follows('the last one', 330)
  t.same(told, [null, ...numbers.map(toId)])
})

t.test('while MySQL stalls nothing is trusted; afterwards no change is missing', async (t) => {
  const { connection, mysql, index, counts, tail, follows } = await prepare(t)
  mysql.stall()
  const stalledAtMs = nowMs()
  await logNumbers(connection, [1])
  const { failures } = counts
  await waitFor('it has tried twice', () => counts.failures >= failures + 2)
  t.ok(tail.trustedUntilMs <= stalledAtMs + TRUST_MS, 'no reading that began later was trusted')
  t.ok(tail.trustedUntilMs < nowMs())
  t.equal(index.version, 0)
  mysql.pass()
  await follows('what was written meanwhile', 1)
})

t.test('it recovers from lost connections and from a server that was gone', async (t) => {
  const { connection, mysql, told, counts, follows } = await prepare(t)
  mysql.disconnect()
  await logNumbers(connection, [1])
  await follows('after a lost connection', 1)
  await mysql.refuse()
  await logNumbers(connection, [2])
  const { failures } = counts
  await waitFor('it has tried', () => counts.failures >= failures + 2)
  mysql.pass()
  await follows('after the server was gone', 2)
  t.same(told, [null, toId(1), toId(2)], 'it went on where it was')
})

t.test('when the log does not continue, it starts again and forgets what it knew', async (t) => {
  const { config, connection, index, told, follows } = await prepare(t)
  const other = tailDatabase(t, config)
  await logNumbers(connection, [1, 2, 3, 4])
  await follows('four', 4)
  await connection.query('DELETE FROM product_changes WHERE seq > 2')
  await waitFor('it is where the log is', () => index.version === 2)
  t.same(told.at(-1), null, 'any product may have changed')
  t.equal(index.validFrom(toId(1)), 2)
  await logNumbers(connection, [5])
  await follows('and follows it', 5)

  await connection.beginTransaction()
  await logNumbers(connection, [6, 7])
  await connection.query('DELETE FROM product_changes WHERE seq <= 3')
  await connection.query('UPDATE product_changes SET seq = 100 WHERE seq IS NULL ORDER BY id LIMIT 1')
  await connection.commit()
  await numberChanges(other)
  await waitFor('it is at the new end', () => index.version === 101)
  t.equal(told.at(-1), null)
})

t.test('after stop it sends no queries, even when stopped during a reading', async (t) => {
  const { mysql, counts, tail } = await prepare(t)
  const before = mysql.chunks
  mysql.muteAt(() => true)
  await waitFor('a reading is under way', () => mysql.chunks > before)
  tail.stop()
  const { successes } = counts
  mysql.pass()
  await waitFor('it has ended', () => counts.successes > successes)
  const { chunks } = mysql
  const other = await prepare(t)
  await waitFor('another tail has read several times', () => other.counts.successes >= 6)
  t.equal(mysql.chunks, chunks)
})
