import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Outcome } from '../src/cache/answer-cache.ts'
import type { CachedAnswer } from '../src/cache/answer-memory.ts'
import type { Subject } from '../src/cache/subject.ts'
import type { Answer } from '../src/http/answer.ts'
import { type ContentCoding, codingOf } from '../src/http/content-coding.ts'
import type { EncodedAnswer } from '../src/http/encoded-answer.ts'
import { isNotModified } from '../src/http/not-modified.ts'
import { fieldLines, ReadyResponse } from '../src/http/ready-response.ts'

/** Answers a request with what the cache has or gets. */
export type SendAnswer = (request: FastifyRequest, reply: FastifyReply, subject: Subject) => Promise<void>

declare module 'fastify' {
  interface FastifyInstance {
    sendAnswer: SendAnswer
  }
}

/** RFC 9211. */
const CACHE_STATUS: Readonly<Record<Outcome, string>> = {
  memory: 'aisle; hit; detail=memory',
  shared: 'aisle; hit; detail=redis',
  miss: 'aisle; fwd=miss',
  stale: 'aisle; hit; ttl=-1; detail=stale-if-error'
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

    const underWay = new WeakMap<Answer, Partial<Record<ContentCoding, Promise<EncodedAnswer>>>>()

    app.addHook('onRequest', (request, reply, done) => {
      const startedAtMs = performance.now()
      const { method = '', url = '', headers } = request.raw
      const entry = memory.getByUrl(url)
      if (entry !== undefined && (method === 'GET' || method === 'HEAD')) {
        const encoded = entry.encoded[codingOf(entry.answer, headers['accept-encoding'])]
        if (encoded !== undefined && answers.isUsable(entry)) {
          const status = send(request, reply, entry.answer, encoded, 'memory')
          requestEnds.tell({
            requestId: request.id,
            method,
            url,
            route: request.routeOptions.url ?? null,
            status,
            durationMs: performance.now() - startedAtMs,
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
      const { entry, outcome } = await answers.get(subject)
      request.cacheOutcome = outcome
      // The entry may be brought up to date while the answer is encoded.
      const { answer } = entry
      const encoded = await encodedIn(entry, answer, codingOf(answer, request.raw.headers['accept-encoding']))
      if (request.url.length <= MAX_URL_LENGTH) memory.rememberUrl(entry, request.url)
      send(request, reply, answer, encoded, outcome)
    })

    async function encodedIn(entry: CachedAnswer, answer: Answer, coding: ContentCoding): Promise<EncodedAnswer> {
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
    function encodeOnce(answer: Answer, coding: ContentCoding): Promise<EncodedAnswer> {
      const codings = underWay.get(answer) ?? {}
      underWay.set(answer, codings)
      codings[coding] ??= encode(answer, coding)
      return codings[coding]
    }

    /** Past Fastify, whose own way of writing an answer costs as much as all of this. Answers the status. */
    function send(
      request: FastifyRequest,
      reply: FastifyReply,
      answer: Answer,
      encoded: EncodedAnswer,
      outcome: Outcome
    ): number {
      const { raw } = reply
      const isKnown = isNotModified(request.raw.headers, answer)
      const status = isKnown ? 304 : 200
      const body = isKnown || request.raw.method === 'HEAD' ? undefined : encoded.body
      const own = responseHeaders.forRequest(request)
      own.push('cache-status', CACHE_STATUS[outcome])
      reply.hijack()
      if (raw instanceof ReadyResponse && raw.canSendReady && !lifecycle.isDraining) {
        const lines = isKnown ? encoded.lines : encoded.lines + encoded.contentLines
        raw.sendReady(status, lines, fieldLines(own) + keepAliveLine, body)
      } else {
        const { fields, contentFields } = encoded
        raw.writeHead(status, isKnown ? fields.concat(own) : fields.concat(contentFields, own)).end(body)
      }
      return status
    }
  },
  { name: 'answers', dependencies: ['cache', 'request-end', 'response-headers'] }
)
