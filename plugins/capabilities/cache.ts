import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Cacheable } from '../../src/edge/cache/cacheable.ts'
import type { CachedResponse } from '../../src/edge/cache/cached-response.ts'
import { createResponseEncoder, type EncodedResponse } from '../../src/edge/cache/encoded-response.ts'
import { createMemoryCache, type MemoryCache, type MemoryEntry } from '../../src/edge/cache/memory-cache.ts'
import { fieldLines, fieldsOf, ReadyResponse } from '../../src/edge/cache/ready-response.ts'
import { createRedisCache } from '../../src/edge/cache/redis-cache.ts'
import { type CacheOutcome, createResponseCache, type ResponseCache } from '../../src/edge/cache/response-cache.ts'
import { isNotModified } from '../../src/platform/http/conditional.ts'
import { type ContentCoding, codingOf } from '../../src/platform/http/content-coding.ts'

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

/** RFC 9211. */
const CACHE_STATUS_LINES: Readonly<Record<CacheOutcome, string>> = {
  memory: fieldLines(['cache-status', 'aisle; hit; detail=memory']),
  shared: fieldLines(['cache-status', 'aisle; hit; detail=redis']),
  miss: fieldLines(['cache-status', 'aisle; fwd=miss']),
  stale: fieldLines(['cache-status', 'aisle; hit; ttl=-1; detail=stale-if-error'])
}
const MAX_URL_LENGTH = 1024

/** `cache`: ready responses, in memory and in Redis. */
export default fp(
  async (app) => {
    const { lifecycle, metrics, requestLog, responseHeaders } = app
    const { index: changeIndex, readYourWrites, tail } = app.changeLog
    const keepAliveLine = fieldLines(['keep-alive', `timeout=${app.server.keepAliveTimeout / 1000}`])
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
    const encoding = new WeakMap<CachedResponse, Partial<Record<ContentCoding, Promise<EncodedResponse>>>>()

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
        const encoded = entry.encoded[codingOf(entry.answer, headers['accept-encoding'])]
        if (encoded === undefined || !responses.isUsable(entry, readYourWrites.versionFor(request.keyId))) return done()
        const status = send(request, reply, entry.answer, encoded, 'memory')
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
        const { answer } = entry
        const encoded = await encodedIn(entry, answer, codingOf(answer, request.raw.headers['accept-encoding']))
        if (request.url.length <= MAX_URL_LENGTH) memory.rememberUrl(entry, request.url)
        send(request, reply, answer, encoded, outcome)
      }
    })

    async function encodedIn(entry: MemoryEntry, answer: CachedResponse, coding: ContentCoding) {
      const present = entry.encoded[coding]
      if (present !== undefined) return present
      const encoded = await encodeOnce(answer, coding)
      if (entry.answer === answer && entry.encoded[coding] === undefined) {
        entry.encoded[coding] = encoded
        memory.resize(entry)
      }
      return encoded
    }

    /** Encodes a response once, however many clients ask for it at the same time. */
    function encodeOnce(answer: CachedResponse, coding: ContentCoding): Promise<EncodedResponse> {
      const codings = encoding.get(answer) ?? {}
      encoding.set(answer, codings)
      codings[coding] ??= encode(answer, coding)
      return codings[coding]
    }

    /** Sends past Fastify, whose own way of writing a response costs as much as all of this. Returns the status. */
    function send(
      request: FastifyRequest,
      reply: FastifyReply,
      answer: CachedResponse,
      encoded: EncodedResponse,
      outcome: CacheOutcome
    ): number {
      const { raw } = reply
      const isKnown = isNotModified(request.raw.headers, answer)
      const status = isKnown ? 304 : 200
      const body = isKnown || request.raw.method === 'HEAD' ? undefined : encoded.body
      const own = responseHeaders.linesFor(request) + CACHE_STATUS_LINES[outcome]
      reply.hijack()
      if (raw instanceof ReadyResponse && raw.canSendReady && !lifecycle.isDraining) {
        const lines = isKnown ? encoded.lines : encoded.lines + encoded.contentLines
        raw.sendReady(status, lines, own + keepAliveLine, body)
      } else {
        const { fields, contentFields } = encoded
        raw
          .writeHead(status, isKnown ? fields.concat(fieldsOf(own)) : fields.concat(contentFields, fieldsOf(own)))
          .end(body)
      }
      return status
    }
  },
  { name: 'cache', dependencies: ['change-log', 'lifecycle', 'metrics', 'redis', 'request-log', 'response-headers'] }
)
