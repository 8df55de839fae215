import type { Test } from 'tap'
import type { Decision, Limit, Limiter } from '../../../../src/edge/rate-limit/limiter.ts'
import { createLimiter } from '../../../../src/edge/rate-limit/limiter.ts'
import { createRedisGuard } from '../../../../src/platform/redis/redis-guard.ts'
import { type VirtualClock, VirtualRedis } from './virtual-redis.ts'

export interface VirtualInstance extends Limiter {
  redis: VirtualRedis
  /** Decides as a server does, and tells when that was decided, on the virtual clock. */
  request(client: string, limit: Limit): Promise<Decision & { atMs: number }>
}

interface InstanceOptions {
  clock: VirtualClock
  /** How far the clock of the instance is off. */
  offsetMs: number
  instanceId: string
  maxClients: number | undefined
}

let prefixes = 0

/** Instances with a Redis of the same clock; each has a connection and a clock of its own. */
export async function virtualInstances(t: Test, path: string, offsetsMs: number[], maxClients?: number) {
  const clock: VirtualClock = { nowMs: 0 }
  const keyPrefix = `trace${prefixes++}:`
  const instances: VirtualInstance[] = []
  for (const [place, offsetMs] of offsetsMs.entries()) {
    const redis = new VirtualRedis(path, keyPrefix, clock)
    const instance = virtualInstance(redis, { clock, offsetMs, instanceId: `instance-${place}`, maxClients })
    t.teardown(async () => {
      await instance.close()
      await redis.quit()
    })
    await redis.ping()
    instances.push(instance)
  }
  return { clock, instances }
}

function virtualInstance(
  redis: VirtualRedis,
  { clock, offsetMs, instanceId, maxClients }: InstanceOptions
): VirtualInstance {
  const nowMs = () => clock.nowMs + offsetMs
  const guard = createRedisGuard({ budgetMs: 10_000, nowMs, onDown: () => {}, onUp: () => {} })
  const limiter = createLimiter({ client: redis, guard, nowMs, instanceId, ...(maxClients && { maxClients }) })

  async function request(client: string, limit: Limit) {
    const held = limiter.decideNow(client, limit, nowMs())
    if (held !== undefined) return { ...held, atMs: clock.nowMs }
    const { commands } = redis
    const decision = await limiter.decide(client, limit)
    return { ...decision, atMs: redis.commands > commands ? redis.decidedAtMs : clock.nowMs }
  }

  return { ...limiter, redis, request }
}
