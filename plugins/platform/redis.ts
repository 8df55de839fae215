import fastifyRedis, { type FastifyRedis } from '@fastify/redis'
import fp from 'fastify-plugin'
import { REDIS_BUDGET_MS } from '../../src/config/limits.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'
import { closeRedisClient, openRedisClient } from '../../src/platform/redis/redis-client.ts'
import { createRedisGuard, type RedisGuard } from '../../src/platform/redis/redis-guard.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A guard for one use of Redis, which the log names. */
    guardRedis(use: string): RedisGuard
  }
}

/** `redis`: one client; `guardRedis`. */
export default fp(
  async (app) => {
    const availability = createOutageLog('Redis', app.log)
    const client = openRedisClient(app.config.redis)
    client.on('ready', availability.up).on('error', availability.down)

    await client.connect().catch(availability.down)
    // The package waits for a connection; the service boots without one.
    if (client.status === 'ready') await app.register(fastifyRedis, { client })
    else app.decorate('redis', client as FastifyRedis)

    app.decorate('guardRedis', (use) => {
      const { down, up } = createOutageLog(use, app.log)
      return createRedisGuard({ budgetMs: REDIS_BUDGET_MS, nowMs: () => performance.now(), onDown: down, onUp: up })
    })
    app.addHook('onClose', () => closeRedisClient(client))
  },
  { name: 'redis' }
)
