import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Cacheable } from '../../src/edge/cache/cacheable.ts'
import type { CachedResponse } from '../../src/edge/cache/cached-response.ts'
import type { EncodedResponse } from '../../src/edge/cache/encoded-response.ts'
import type { MemoryEntry } from '../../src/edge/cache/memory-cache.ts'
import { fieldLines, fieldsOf, ReadyResponse } from '../../src/edge/cache/ready-response.ts'
import type { CacheOutcome } from '../../src/edge/cache/response-cache.ts'
import { type ContentCoding, codingOf } from '../../src/platform/http/content-coding.ts'
import { isNotModified } from '../../src/platform/http/not-modified.ts'

/** Answers a request with what the cache has or gets. */
export type SendAnswer = (request: FastifyRequest, reply: FastifyReply, subject: Cacheable) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    sendAnswer: SendAnswer
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

/**
 * `sendAnswer`, and the hot lane: a URL that was answered before, as it came, is answered from memory before it is
 * parsed, validated or routed further, with bytes and header fields that are ready.
 */
export default fp(
  async (app) => {
    const { lifecycle, requestEnds, responseHeaders } = app
    const keepAliveLine = fieldLines(['keep-alive', `timeout=${app.server.keepAliveTimeout / 1000}`])
    const { answers, memory, encode } = app.cache
    const { readYourWrites } = app.changeLog

    const underWay = new WeakMap<CachedResponse, Partial<Record<ContentCoding, Promise<EncodedResponse>>>>()

    app.addHook('onRequest', (request, reply, done) => {
      const { method = '', url = '', headers } = request.raw
      const entry = memory.getByUrl(url)
      if (entry !== undefined && (method === 'GET' || method === 'HEAD')) {
        const encoded = entry.encoded[codingOf(entry.answer, headers['accept-encoding'])]
        if (encoded !== undefined && answers.isUsable(entry, readYourWrites.versionFor(request.keyId))) {
          const status = send(request, reply, entry.answer, encoded, 'memory')
          requestEnds.tell({
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
          return
        }
      }
      requestEnds.watch(request, reply)
      done()
    })

    app.decorate('sendAnswer', async (request, reply, subject) => {
      const { entry, outcome } = await answers.get(subject, readYourWrites.versionFor(request.keyId))
      request.cacheOutcome = outcome
      // The entry may be brought up to date while the answer is encoded.
      const { answer } = entry
      const encoded = await encodedIn(entry, answer, codingOf(answer, request.raw.headers['accept-encoding']))
      if (request.url.length <= MAX_URL_LENGTH) memory.rememberUrl(entry, request.url)
      send(request, reply, answer, encoded, outcome)
    })

    async function encodedIn(
      entry: MemoryEntry,
      answer: CachedResponse,
      coding: ContentCoding
    ): Promise<EncodedResponse> {
      const present = entry.encoded[coding]
      if (present !== undefined) return present
      const encoded = await encodeOnce(answer, coding)
      if (entry.answer === answer && entry.encoded[coding] === undefined) {
        entry.encoded[coding] = encoded
        memory.resize(entry)
      }
      return encoded
    }

    /** However many ask at the same time. */
    function encodeOnce(answer: CachedResponse, coding: ContentCoding): Promise<EncodedResponse> {
      const codings = underWay.get(answer) ?? {}
      underWay.set(answer, codings)
      codings[coding] ??= encode(answer, coding)
      return codings[coding]
    }

    /** Past Fastify, whose own way of writing an answer costs as much as all of this. Answers the status. */
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
  { name: 'answers', dependencies: ['cache', 'change-log', 'request-end', 'response-headers', 'route-access'] }
)
