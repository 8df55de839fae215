import { join } from 'node:path'
import autoload from '@fastify/autoload'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { LogController } from 'fastify'
import type { Config } from './config/config.ts'
import { BODY_MAX_BYTES, HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS } from './config/limits.ts'
import { ReadyResponse } from './edge/cache/send-response.ts'
import { answerClientError } from './platform/http/client-error.ts'
import { createRequestIds } from './platform/http/request-id.ts'
import { type LogStream, openLogStream } from './platform/logging/log-stream.ts'
import { redact } from './platform/logging/redaction.ts'

const ROOT = join(import.meta.dirname, '..')
/** In the order in which they are loaded: plugins may use those of earlier folders. */
const PLUGIN_FOLDERS = ['platform', 'capabilities', 'request', 'jobs']

/** How often Node checks for late requests. */
const TIMEOUT_CHECK_MS = 1000
/** Longer than any id, so that a wrong id gets a 400 from its validation and not a 404. */
const PARAM_MAX_LENGTH = 4096

/** The application, with all its decorators. */
export type App = Awaited<ReturnType<typeof buildApp>>

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
    logStream: LogStream
  }
}

/**
 * Builds the application: plugins, then routes, all loaded by folder. It does not listen, and it boots without MySQL and
 * Redis.
 * @throws {ConfigError} when the log files cannot be written
 */
export async function buildApp(config: Config) {
  const logStream = await openLogStream(config.log)
  const app = Fastify({
    logger: { level: config.log.level, redact, stream: logStream },
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would cost as much as a response from the cache. Log calls pass `reqId` themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: createRequestIds(),
    trustProxy: config.server.trustProxy,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      ServerResponse: ReadyResponse,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS
    },
    // The framework's own 503 during closing is not a problem document.
    return503OnClosing: false,
    bodyLimit: BODY_MAX_BYTES,
    routerOptions: { maxParamLength: PARAM_MAX_LENGTH, ignoreTrailingSlash: true },
    clientErrorHandler: (error, socket) => {
      const refusal = answerClientError(error, socket)
      if (refusal) app.requestLog.reportRefusal(refusal)
    },
    frameworkErrors: (error, request, reply) => {
      app.requestLog.watch(request, reply)
      app.responseHeaders.write(request, reply)
      app.errorHandler(error, request, reply)
    },
    ajv: {
      customOptions: {
        allErrors: true,
        coerceTypes: 'array',
        removeAdditional: false,
        // With the default, 1e999 would pass every bound.
        strictNumbers: false
      }
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.decorate('config', config)
  app.decorate('logStream', logStream)
  for (const folder of PLUGIN_FOLDERS) await app.register(autoload, { dir: join(ROOT, 'plugins', folder) })
  await app.register(autoload, { dir: join(ROOT, 'routes'), routeParams: true })
  return app
}
