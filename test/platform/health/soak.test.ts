import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { FaultProxy } from '../../support/fault-proxy.ts'
import { proxied } from '../../support/proxied.ts'
import { residentBytes, startService, toEnvironment } from '../../support/service.ts'
import { testConfig } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A few seconds for every run; minutes and another seed by hand, with tap's own time limit raised. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 4)
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000)
const PATHS = ['/api/v1/products', '/api/v1/products?search=x', '/health', '/health/readiness', '/health/liveness']

t.setTimeout((SECONDS + 60) * 1000)
t.test(`faults at random, seed ${SEED}`, async (t) => {
  const { config, mysql, redis } = await proxied(t, await testConfig(t, { LOG_LEVEL: 'info' }))
  const service = await startService(t, toEnvironment(config))
  const random = generator(SEED)
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]

  const outcomes = new Map<string, number>()
  async function request() {
    const path = pick(PATHS) ?? ''
    const outcome = await fetch(service.url + path).then(
      async (response) => {
        const { code } = JSON.parse(await response.text())
        const kind = path.startsWith('/health') ? 'probe' : 'list'
        return `${kind} ${response.status}${code === 'handler-timeout' ? ' after too long' : ''}`
      },
      (error) => `no answer: ${error.cause ?? error}`
    )
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }

  const faults: ((proxy: FaultProxy) => unknown)[] = [
    (proxy) => proxy.stall(),
    (proxy) => proxy.refuse(),
    (proxy) => proxy.disconnect(),
    (proxy) => proxy.delay(random() * 300),
    (proxy) => proxy.cutAt(() => random() < 0.3),
    (proxy) => proxy.pass(),
    (proxy) => proxy.pass()
  ]
  await Promise.all(Array.from({ length: 50 }, request))
  const bytesBefore = residentBytes(service.pid)
  const endsAt = performance.now() + SECONDS * 1000
  const requests: Promise<void>[] = []
  let nextFaultAt = 0
  while (performance.now() < endsAt) {
    if (performance.now() > nextFaultAt) {
      // Most are short, some are longer than any time limit.
      nextFaultAt = performance.now() + random() ** 2 * 2500
      await pick(faults)?.(random() < 0.7 ? mysql : redis)
    }
    requests.push(request())
    await wait(10)
  }
  await Promise.all(requests)

  mysql.pass()
  redis.pass()
  await waitFor('everything is well again', async () => {
    const response = await fetch(`${service.url}/health`)
    return (await response.text()).startsWith('{"status":"ok"')
  })
  const kinds = Object.fromEntries([...outcomes].sort())
  t.comment(JSON.stringify(kinds))
  t.same(
    Object.keys(kinds).filter((kind) => !/^(list|probe) (200|503)$/.test(kind)),
    [],
    'every request is answered, with the answer or a 503'
  )
  t.same(
    service.log.filter(({ level, msg }) => level >= 50 && !msg.startsWith('request ')),
    [],
    'nothing unexpected is logged'
  )
  t.equal(service.stderr, '')
  const grownBytes = residentBytes(service.pid) - bytesBefore
  // What is alive stays as it is; the heap around it grows until it is worth collecting.
  t.ok(grownBytes < 150e6, `grown by ${Math.round(grownBytes / 1e6)} MB`)

  service.signal('SIGTERM')
  t.equal((await service.exit).code, 0)
})

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
