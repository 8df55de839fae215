import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createMetrics } from '../../../src/platform/metrics/metrics.ts'
import { addProcessMetrics } from '../../../src/platform/metrics/process-metrics.ts'
import { parseExposition } from '../../support/exposition.ts'
import { waitFor } from '../../support/wait-for.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function measure() {
  const metrics = createMetrics()
  const stop = addProcessMetrics(metrics)
  t.teardown(stop)
  const read = async (name: string, labels: Record<string, string> = {}) => {
    const samples = parseExposition(await metrics.exposition()).flatMap(({ samples }) => samples)
    return samples.find((sample) => sample.name === name && sample.labels.kind === labels.kind)?.value ?? 0
  }
  return { read, stop }
}

t.test('the numbers are those of this process, in seconds and bytes', async (t) => {
  const { read } = measure()
  const { user, system } = process.cpuUsage()
  const cpuSeconds = await read('process_cpu_seconds_total')
  t.ok(cpuSeconds >= (user + system) / 1e6 && cpuSeconds < (user + system) / 1e6 + 60)
  t.ok(Math.abs((await read('process_start_time_seconds')) + process.uptime() - Date.now() / 1000) < 5)
  t.ok((await read('process_resident_memory_bytes')) > (await read('nodejs_heap_size_used_bytes')))
  t.ok((await read('nodejs_heap_size_total_bytes')) > 1e6)
  t.ok((await read('nodejs_external_memory_bytes')) > 0)
  t.ok((await read('process_open_fds')) > 0 || process.platform !== 'linux')
  t.ok((await read('nodejs_eventloop_active_seconds_total')) > 0)
})

t.test('a blocked event loop shows, even if others have read the numbers', async (t) => {
  const { read } = measure()
  const count = () => read('nodejs_eventloop_delay_seconds_count')
  await waitFor('it is sampled', async () => (await count()) > 0)
  const before = await read('nodejs_eventloop_delay_seconds_sum')
  block(300)
  const blocked = await count()
  await waitFor('it is sampled again', async () => (await count()) > blocked)
  const delay = (await read('nodejs_eventloop_delay_seconds_sum')) - before
  t.ok(delay >= 0.27, `${delay} s`)
})

t.test('every collection of garbage is counted, also of those that Node reports together', async (t) => {
  const { read, stop } = measure()
  const count = () => read('nodejs_gc_duration_seconds_count', { kind: 'major' })
  const before = await count()
  for (let i = 0; i < 5; i++) collectGarbage()
  await waitFor('they are reported', async () => (await count()) >= before + 5)
  stop()
  const stopped = await count()
  const { read: readOther } = measure()
  collectGarbage()
  await waitFor('it is reported to who still listens', async () => {
    return (await readOther('nodejs_gc_duration_seconds_count', { kind: 'major' })) > 0
  })
  t.equal(await count(), stopped)
})

function block(ms: number) {
  const until = performance.now() + ms
  while (performance.now() < until);
}
