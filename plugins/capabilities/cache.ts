import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { type AnswerCache, answerCache } from '../../src/edge/cache/answer-cache.ts'
import { type AnswerMemory, answerMemory } from '../../src/edge/cache/answer-memory.ts'
import { answerEncoder, type EncodeAnswer } from '../../src/edge/cache/encoded-answer.ts'
import { sharedAnswers } from '../../src/edge/cache/shared-answers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: { answers: AnswerCache; memory: AnswerMemory; encode: EncodeAnswer }
  }
}

/** `cache`: ready answers, in memory and in Redis. */
export default fp(
  async (app) => {
    const nowMs = () => performance.now()
    const guard = app.guardRedis('The cache in Redis')
    const memory = answerMemory(app.config.cache.memoryBytes)
    const encode = answerEncoder(app.responseHeaders.constant, app.config.auth.publicRead)
    const shared = sharedAnswers({ client: app.redis, guard, instanceId: randomBytes(12).toString('base64url') })
    const answers = answerCache({ memory, shared, ...app.changes, nowMs, encode })
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
  { name: 'cache', dependencies: ['changes', 'metrics', 'redis', 'response-headers'] }
)
