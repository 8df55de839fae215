import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Outcome, Subject } from '../src/cache/answer-cache.ts'
import type { CachedAnswer } from '../src/cache/answer-memory.ts'
import { type ContentCoding, codingOf } from '../src/http/content-coding.ts'
import type { EncodedAnswer } from '../src/http/encoded-answer.ts'
import { isNotModified } from '../src/http/not-modified.ts'

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
    const { responseHeaders } = app
    const { answers, memory, encode } = app.cache

    app.addHook('onRequest', (request, reply, done) => {
      const { method = '', url = '', headers } = request.raw
      const entry = memory.getByUrl(url)
      if (entry === undefined || (method !== 'GET' && method !== 'HEAD')) return done()
      const encoded = entry.encoded[codingOf(entry.answer, headers['accept-encoding'])]
      if (encoded === undefined || !answers.isUsable(entry)) return done()
      send(request, reply, entry, encoded, 'memory')
    })

    app.decorate('sendAnswer', async (request, reply, subject) => {
      const { entry, outcome } = await answers.get(subject)
      const coding = codingOf(entry.answer, request.raw.headers['accept-encoding'])
      const encoded = await encodedIn(entry, coding)
      if (request.url.length <= MAX_URL_LENGTH) memory.rememberUrl(entry, request.url)
      send(request, reply, entry, encoded, outcome)
    })

    async function encodedIn(entry: CachedAnswer, coding: ContentCoding): Promise<EncodedAnswer> {
      const present = entry.encoded[coding]
      if (present !== undefined) return present
      const { answer } = entry
      const encoded = await encode(answer, coding)
      if (entry.answer === answer) {
        entry.encoded[coding] = encoded
        memory.resize(entry)
      }
      return encoded
    }

    /** Past Fastify, whose own way of writing an answer costs as much as all of this. */
    function send(
      request: FastifyRequest,
      reply: FastifyReply,
      { answer }: CachedAnswer,
      { body, fields, contentFields }: EncodedAnswer,
      outcome: Outcome
    ): void {
      request.cacheOutcome = outcome
      const { raw } = reply
      const isKnown = isNotModified(request.raw.headers, answer)
      const own = responseHeaders.forRequest(request)
      own.push('cache-status', CACHE_STATUS[outcome])
      reply.hijack()
      raw.writeHead(isKnown ? 304 : 200, isKnown ? fields.concat(own) : fields.concat(contentFields, own))
      raw.end(isKnown ? undefined : body)
    }
  },
  { name: 'answers', dependencies: ['access-log', 'cache', 'pressure', 'response-headers'] }
)
