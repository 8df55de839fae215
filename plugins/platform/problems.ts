import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { redactKeys } from '../../src/edge/auth/key-format.ts'
import { AppError, toProblem } from '../../src/platform/errors/app-error.ts'
import { toAppError } from '../../src/platform/errors/framework-errors.ts'

/** Renders all errors as problem responses. */
export default fp(
  async (app) => {
    const methodsOf = collectMethods()
    app.addHook('onRoute', ({ method, url }) => methodsOf.add(url, method))

    app.setErrorHandler((error, request, reply) => {
      // When the body breaks off, the client has gone: this is no error of ours.
      const isBroken = error instanceof Error && error === request.raw.errored
      const known = isBroken ? bodyBroken(error) : toAppError(error)
      if (known.code === 'internal-error') request.log.error({ reqId: request.id, err: error }, 'unexpected error')
      send(known, request, reply)
    })

    app.setNotFoundHandler((request, reply) => {
      const allowed = methodsOf.find(request.url)
      send(
        allowed.length === 0
          ? new AppError('route-not-found', 'There is nothing at this path.')
          : new AppError('method-not-allowed', `This path takes ${allowed.join(', ')}.`, {
              headers: { allow: allowed.join(', ') }
            }),
        request,
        reply
      )
    })
  },
  { name: 'problems' }
)

function bodyBroken(cause: Error): AppError {
  return new AppError('malformed-request', 'The body breaks off before its end.', { cause })
}

function send(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(error.status)
    .headers(error.headers)
    .type('application/problem+json')
    .send(JSON.stringify(toProblem(error, { url: redactKeys(request.url), id: request.id })))
}

/** Remembers which methods each path has, to tell a wrong method from a wrong path. */
function collectMethods() {
  const paths = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  return {
    add(url: string, method: string | string[]) {
      if (url === '*') return
      const entry = paths.get(url) ?? { pattern: toPattern(url), methods: new Set() }
      paths.set(url, entry)
      for (const name of [method].flat()) entry.methods.add(name)
    },
    find(url: string): string[] {
      const path = url.replace(/\?.*$/s, '')
      const matching = [...paths.values()].filter(({ pattern }) => pattern.test(path))
      return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort()
    }
  }
}

function toPattern(url: string): RegExp {
  const source = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replaceAll('*', '.*')
  return new RegExp(`^${source}$`)
}
