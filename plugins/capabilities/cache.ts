import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { createResponseEncoder, type EncodeResponse } from '../../src/edge/cache/encoded-response.ts'
import { createMemoryCache, type MemoryCache } from '../../src/edge/cache/memory-cache.ts'
import { createRedisCache } from '../../src/edge/cache/redis-cache.ts'
import { createResponseCache, type ResponseCache } from '../../src/edge/cache/response-cache.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: { answers: ResponseCache; memory: MemoryCache; encode: EncodeResponse }
  }
}

/** `cache`: ready answers, in memory and in Redis. */
export default fp(
  async (app) => {
    const nowMs = () => performance.now()
    const { changeLog } = app
    const guard = app.guardRedis('The cache in Redis')
    const memory = createMemoryCache(app.config.cache.memoryBytes)
    const encode = createResponseEncoder(app.responseHeaders.constant, app.config.auth.publicRead)
    const shared = createRedisCache({ client: app.redis, guard, instanceId: randomBytes(12).toString('base64url') })
    const answers = createResponseCache({
      memory,
      shared,
      changeIndex: changeLog.index,
      tail: changeLog.tail,
      nowMs,
      encode
    })
    app.decorate('cache', { answers, memory, encode })

    app.metrics.gauge({
      name: 'aisle_cache_memory_bytes',
      help: 'What the answers in memory take.',
      collect() {
        this.set(memory.sizeBytes)
      }
    })
    app.metrics.gauge({
      name: 'aisle_cache_memory_answers',
      help: 'How many answers are in memory.',
      collect() {
        this.set(memory.count)
      }
    })
  },
  { name: 'cache', dependencies: ['change-log', 'metrics', 'redis', 'response-headers'] }
)
