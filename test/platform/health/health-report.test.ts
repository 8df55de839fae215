import t from 'tap'
import { createHealthReport } from '../../../src/platform/health/health-report.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

const PROBE_INTERVAL_MS = 10

/** A report on dependencies that a test can turn off, with a clock of its own. */
function reportOn() {
  const time = createVirtualTime()
  const asked = { mysql: 0, redis: 0 }
  const answers = { isMysqlStuck: false, isRedisDown: false, version: 10 }
  const report = createHealthReport({
    async schemaVersion() {
      asked.mysql++
      if (answers.isMysqlStuck) await new Promise(() => {})
      return answers.version
    },
    requiredVersion: 10,
    async pingRedis() {
      asked.redis++
      if (answers.isRedisDown) throw new Error('refused')
    },
    supplierBreaker: undefined,
    nowMs: time.nowMs,
    start: time.startTimeout
  })
  return { report, time, asked, answers }
}

t.test('a hundred probes a second cost one check a second', async (t) => {
  const { report, time, asked } = reportOn()
  for (let probes = 0; probes < 250; probes++) {
    t.equal((await report()).status, 'ok')
    await time.advance(PROBE_INTERVAL_MS)
  }
  t.same(asked, { mysql: 3, redis: 3 })
})

t.test('what is down, and what that means', async (t) => {
  const { report, time, answers } = reportOn()
  answers.isRedisDown = true
  t.match(await report(), { status: 'degraded', checks: { mysql: { status: 'ok' }, redis: { status: 'down' } } })

  answers.isRedisDown = false
  answers.version = 9
  await time.advance(1000)
  t.match(await report(), { status: 'down', checks: { mysql: { status: 'ok' }, migrations: { status: 'pending' } } })

  answers.isMysqlStuck = true
  await time.advance(1000)
  const stuck = report()
  await time.advance(300)
  t.match(await stuck, {
    status: 'down',
    checks: { mysql: { status: 'down', latencyMs: 300 }, redis: { status: 'ok' }, migrations: { status: 'unknown' } }
  })
})
