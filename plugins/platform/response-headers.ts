import helmet from '@fastify/helmet'
import Fastify, { type FastifyReply, type FastifyRequest, type onSendHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { addQuotaFields } from '../../src/edge/rate-limit/policies.ts'

/** The header fields that every response has. */
export interface ResponseHeaders {
  /** The header fields that are the same on every answer. */
  readonly constant: Readonly<Record<string, string>>
  /** Returns the header fields that depend on the request, each name followed by its value, but for those of its policy. */
  fieldsFor(request: FastifyRequest): string[]
  /** Sets all of them, but for those that the answer has already. For answers that come past all hooks. */
  write(request: FastifyRequest, reply: FastifyReply): void
  /** Hook: writes them. */
  writeCommonHeaders: onSendHookHandler
}

declare module 'fastify' {
  interface FastifyInstance {
    responseHeaders: ResponseHeaders
  }
}

/** What a browser may read of an answer from another origin. */
const EXPOSED_HEADERS = [
  ...[
    'Cache-Status',
    'ETag',
    'Idempotent-Replayed',
    'Link',
    'Location',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After'
  ],
  ...['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'X-RateLimit-Scope', 'X-Request-Id'],
  'WWW-Authenticate'
]

/**
 * `responseHeaders`: security headers, CORS, the quota and the request id, on every response.
 *
 * The packages compute these headers anew for each request, which costs about half of the throughput. Nothing in them
 * depends on the request but the origin, so helmet is asked once, at boot, and the result is written as it is.
 */
export default fp(
  async (app) => {
    const { lifecycle } = app
    const { origins } = app.config.cors
    const anyOrigin = origins.includes('*')
    const allowed = new Set(origins)
    const constant = {
      ...(await helmetHeaders()),
      ...(anyOrigin ? { 'access-control-allow-origin': '*' } : { vary: 'Origin' }),
      'access-control-expose-headers': EXPOSED_HEADERS.join(', ')
    }
    const constantFields = Object.entries(constant)

    function fieldsFor({ id, quota, headers: { origin } }: FastifyRequest): string[] {
      const fields = ['x-request-id', id]
      // Requests rejected before any hook runs have no decorators.
      if (quota) addQuotaFields(fields, quota)
      if (!anyOrigin && origin !== undefined && allowed.has(origin)) fields.push('access-control-allow-origin', origin)
      if (lifecycle.isDraining) fields.push('connection', 'close')
      return fields
    }

    function write(request: FastifyRequest, reply: FastifyReply): void {
      for (const [name, value] of constantFields) if (!reply.hasHeader(name)) reply.header(name, value)
      const fields = [...(request.quota?.policy.headers.fields ?? []), ...fieldsFor(request)]
      for (let at = 0; at < fields.length; at += 2) reply.header(fields[at] ?? '', fields[at + 1])
    }

    app.decorate('responseHeaders', {
      constant,
      fieldsFor,
      write,
      writeCommonHeaders(request, reply, _payload, done) {
        write(request, reply)
        done()
      }
    })
  },
  { name: 'response-headers', dependencies: ['lifecycle'] }
)

/** What @fastify/helmet sets for an API: nothing of an answer may be run, framed or embedded. */
async function helmetHeaders(): Promise<Record<string, string>> {
  const scratch = Fastify()
  await scratch.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' }
  })
  scratch.get('/', async () => '')
  const bare = Fastify()
  bare.get('/', async () => '')
  const [secured, plain] = await Promise.all([scratch.inject('/'), bare.inject('/')])
  await Promise.all([scratch.close(), bare.close()])
  const added = Object.entries(secured.headers).filter(([name]) => !(name in plain.headers))
  return Object.fromEntries(added.map(([name, value]) => [name, String(value)]))
}
