import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Cacheable, CachedResponse } from '../../src/edge/cache/cached-response.ts'
import { createResponseEncoder, type EncodedResponse } from '../../src/edge/cache/cached-response.ts'
import { createMemoryCache, type MemoryCache } from '../../src/edge/cache/memory-cache.ts'
import { createRedisCache } from '../../src/edge/cache/redis-cache.ts'
import { type CacheOutcome, createResponseCache, type ResponseCache } from '../../src/edge/cache/response-cache.ts'
import { canSetHeads, createResponseSender } from '../../src/edge/cache/send-response.ts'
import { isNotModified } from '../../src/platform/http/conditional.ts'
import { codingOf } from '../../src/platform/http/content-coding.ts'
import { createHeaderBlock, type HeaderBlock } from '../../src/platform/http/header-fields.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cache: {
      responses: ResponseCache
      /** What is in this process's memory. */
      memory: MemoryCache
      /**
       * Hook, the hot path: a URL that was answered before, exactly as it came, is answered from memory before it is
       * parsed, validated or routed further, with bytes and header fields that are ready.
       */
      answerFromMemory: onRequestHookHandler
      /** Answers a request with the cached response, or loads it. */
      sendCached(request: FastifyRequest, reply: FastifyReply, cacheable: Cacheable): Promise<void>
    }
  }
}

/** `Cache-Status`, RFC 9211. */
const CACHE_STATUS: Readonly<Record<CacheOutcome, HeaderBlock>> = {
  memory: createHeaderBlock(['cache-status', 'aisle; hit; detail=memory']),
  shared: createHeaderBlock(['cache-status', 'aisle; hit; detail=redis']),
  miss: createHeaderBlock(['cache-status', 'aisle; fwd=miss']),
  stale: createHeaderBlock(['cache-status', 'aisle; hit; ttl=-1; detail=stale-if-error'])
}
const MAX_URL_LENGTH = 1024

/** `cache`: ready responses, in memory and in Redis. */
export default fp(
  async (app) => {
    const { lifecycle, metrics, requestLog, responseHeaders } = app
    const { index: changeIndex, readYourWrites, tail } = app.changeLog
    const areHeadsSettable = canSetHeads()
    if (!areHeadsSettable)
      app.log.warn('This version of Node takes no ready response heads: cached responses are slower')
    const sendResponse = createResponseSender(app.server.keepAliveTimeout, areHeadsSettable)
    const memory = createMemoryCache(app.config.cache.memoryBytes)
    const encode = createResponseEncoder(responseHeaders.constant, app.config.auth.publicRead)
    const responses = createResponseCache({
      memory,
      shared: createRedisCache({
        client: app.redis,
        guard: app.guardRedis('The cache in Redis'),
        instanceId: randomBytes(12).toString('base64url')
      }),
      changeIndex,
      tail,
      nowMs: () => performance.now(),
      encode
    })

    metrics.gauge({
      name: 'aisle_cache_memory_bytes',
      help: 'Memory that cached responses take, in bytes.',
      collect() {
        this.set(memory.sizeBytes)
      }
    })
    metrics.gauge({
      name: 'aisle_cache_memory_answers',
      help: 'Responses that are cached in memory.',
      collect() {
        this.set(memory.count)
      }
    })

    app.decorate('cache', {
      responses,
      memory,

      answerFromMemory(request, reply, done) {
        const { method = '', url = '', headers } = request.raw
        const entry = memory.getByUrl(url)
        if (entry === undefined || (method !== 'GET' && method !== 'HEAD')) return done()
        const encoded = entry.encoded[codingOf(entry.response, headers['accept-encoding'])]
        if (encoded === undefined || !responses.isUsable(entry, readYourWrites.versionFor(request.keyId))) return done()
        const status = send(request, reply, entry.response, encoded, 'memory')
        requestLog.report({
          requestId: request.id,
          method,
          url,
          route: request.route?.url ?? null,
          status,
          durationMs: reply.elapsedTime,
          keyId: request.keyId,
          cache: 'memory',
          aborted: false
        })
      },

      async sendCached(request, reply, cacheable) {
        const { entry, outcome } = await responses.get(cacheable, readYourWrites.versionFor(request.keyId))
        request.cacheOutcome = outcome
        // The entry may be refreshed while the response is encoded.
        const { response } = entry
        const encoded = await responses.encode(entry, codingOf(response, request.raw.headers['accept-encoding']))
        if (request.url.length <= MAX_URL_LENGTH) memory.rememberUrl(entry, request.url)
        send(request, reply, response, encoded, outcome)
      }
    })

    /** Sends past Fastify, whose own way of writing a response costs as much as all of this. Returns the status. */
    function send(
      request: FastifyRequest,
      reply: FastifyReply,
      response: CachedResponse,
      encoded: EncodedResponse,
      outcome: CacheOutcome
    ): number {
      const isCurrent = isNotModified(request.raw.headers, response)
      const status = isCurrent ? 304 : 200
      const blocks = [encoded.headers, CACHE_STATUS[outcome]]
      if (!isCurrent) blocks.push(encoded.contentHeaders)
      if (request.quota !== null) blocks.push(request.quota.policy.headers)
      const body = isCurrent || request.raw.method === 'HEAD' ? undefined : encoded.body
      reply.hijack()
      const fields = responseHeaders.fieldsFor(request)
      sendResponse(reply.raw, { status, blocks, fields, isLast: lifecycle.isDraining }, body)
      return status
    }
  },
  { name: 'cache', dependencies: ['change-log', 'lifecycle', 'metrics', 'redis', 'request-log', 'response-headers'] }
)
