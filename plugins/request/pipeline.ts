import cors from '@fastify/cors'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, preValidationHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { RouteConfig } from '../../src/edge/route-config.ts'
import { overloaded, parameterError, unknownParameters } from '../../src/platform/errors/app-error.ts'

declare module 'fastify' {
  interface FastifyContextConfig extends RouteConfig {}
}

/** Not shorter than the delay: a sample without a single measurement counts as an endless delay. */
const SAMPLE_INTERVAL_MS = 1000
const CORS_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const PREFLIGHT_MAX_AGE_SECONDS = 7200

/**
 * The way of every request: all hooks that all requests pass, in their order. Nothing else adds one; what a single route
 * needs stands in its own file.
 */
export default fp(
  async (app) => {
    const { authorise, identifyCaller } = app.auth
    const { countRequest } = app.rateLimiter
    const { answerFromMemory } = app.cache
    const { watchRefused, watchRequest } = app.requestLog
    const { writeCommonHeaders } = app.responseHeaders

    // Responses, those of refused requests included, but not those that are sent from memory.
    app.addHook('onSend', watchRefused) // its access line
    app.addHook('onSend', writeCommonHeaders) // security, CORS, quota, request id

    // Browsers ask for permission without a key: they come no further.
    await app.register(answerPreflights)

    app.addHook('onRequest', identifyCaller) // whose API key is it?
    app.addHook('onRequest', countRequest) // 429
    app.addHook('onRequest', authorise) // 401, 403
    app.addHook('onRequest', answerFromMemory) // the hot path ends here
    app.addHook('onRequest', watchRequest) // its access line
    await app.register(shedLoad) // 503

    // Here the body is read and parsed, and refused where it is too large or of another type: 413, 415.
    app.addHook('preValidation', checkQueryString) // 400
    // Then the schemas of the route are checked, and its handler runs.
  },
  {
    name: 'pipeline',
    dependencies: ['auth', 'cache', 'problems', 'rate-limit', 'request-log', 'response-headers']
  }
)

/** Answers the `OPTIONS` requests with which browsers ask what another origin may send. */
async function answerPreflights(app: FastifyInstance): Promise<void> {
  const { origins } = app.config.cors
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : origins,
    methods: CORS_METHODS,
    maxAge: PREFLIGHT_MAX_AGE_SECONDS
  })
}

/**
 * Refuses requests while the event loop is late. The start of the service blocks it, too: the measurement that shows this
 * holds until two intervals after the start, and does not count.
 */
const shedLoad = fp(async (app: FastifyInstance) => {
  let countsFromMs = Number.POSITIVE_INFINITY
  app.addHook('onReady', async () => {
    countsFromMs = performance.now() + 2 * SAMPLE_INTERVAL_MS
  })
  await app.register(underPressure, {
    maxEventLoopDelay: app.config.server.maxEventLoopDelayMs,
    sampleInterval: SAMPLE_INTERVAL_MS,
    pressureHandler() {
      if (performance.now() < countsFromMs) return
      return Promise.reject(overloaded('The service has more work than it can do right now.', 1))
    }
  })
})

/**
 * Refuses a query string that is not percent-encoded UTF-8, which the parser would take for the text itself, and
 * parameters on a route that takes none.
 */
const checkQueryString: preValidationHookHandler = (request, _reply, done) => {
  const { route, url } = request
  if (!url.includes('?')) return done()
  const undecodable = findUndecodable(url)
  if (undecodable !== undefined) return done(parameterError(undecodable, 'must be percent-encoded UTF-8'))
  const schema = route?.schema
  // Routes of packages, such as the files of the reference page, have no schema or hide it. Some probes add a parameter
  // to get past caches.
  const isStrict = schema !== undefined && !schema.hide && schema.querystring === undefined
  if (!isStrict || route?.config.limits === 'exempt') return done()
  const names = Object.keys(request.query as object)
  done(names.length === 0 ? undefined : unknownParameters(names))
}

/**
 * Finds a parameter of a query string that is not percent-encoded UTF-8.
 * @param url with a `?`
 * @returns the parameter's name as it was sent; undefined where all can be decoded
 */
function findUndecodable(url: string): string | undefined {
  const start = url.indexOf('?')
  if (!url.includes('%', start)) return undefined
  const pair = url
    .slice(start + 1)
    .split('&')
    .find((pair) => !isDecodable(pair))
  return pair?.split('=', 1)[0]
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    // decodeURIComponent has no other way to say no.
    return false
  }
}
