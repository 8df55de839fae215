import { setTimeout as wait } from 'node:timers/promises'
import fastifyRedis, { type FastifyRedis } from '@fastify/redis'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import { availabilityLog } from '../src/health/availability-log.ts'
import { type RedisGuard, redisGuard } from '../src/redis/redis-guard.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A guard for one use of Redis, which the log names. */
    guardRedis(use: string): RedisGuard
  }
}

const CONNECT_TIMEOUT_MS = 1000
const COMMAND_TIMEOUT_MS = 1000
const CLOSE_TIMEOUT_MS = 500
const MAX_RECONNECT_DELAY_MS = 1000
/** Of the quarter of a second in which a list is answered without Redis. */
const BUDGET_MS = 50

/** One Redis client. Without Redis every command fails at once, and the client goes on trying to connect. */
export default fp(
  async (app) => {
    const { url, keyPrefix } = app.config.redis
    const availability = availabilityLog('Redis', app.log)
    const client = new Redis(url, {
      keyPrefix,
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      // A connection on which answers stay away is given up: commands must not pile up in it.
      socketTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS)
    })
    client.on('ready', availability.up).on('error', availability.down)

    await client.connect().catch(availability.down)
    // The package waits for a connection; the service boots without one.
    if (client.status === 'ready') await app.register(fastifyRedis, { client })
    else app.decorate('redis', client as FastifyRedis)

    app.decorate('guardRedis', (use) => {
      const { down, up } = availabilityLog(use, app.log)
      return redisGuard({ budgetMs: BUDGET_MS, nowMs: () => performance.now(), onDown: down, onUp: up })
    })
    app.addHook('onClose', () => close(client))
  },
  { name: 'redis' }
)

async function close(client: Redis): Promise<void> {
  const goodbye = client.quit().catch((error) => error)
  await Promise.race([goodbye, wait(CLOSE_TIMEOUT_MS, undefined, { ref: false })])
  client.disconnect()
}
