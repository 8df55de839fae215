import swagger from '@fastify/swagger'
import type { FastifyContextConfig } from 'fastify'
import fp from 'fastify-plugin'
import packageJson from '../../package.json' with { type: 'json' }
import { problemResponse } from '../../schemas/problem.ts'
import { webhookEvents } from '../../schemas/webhooks.ts'
import { needOf } from '../../src/edge/auth/access.ts'

const securitySchemes = {
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'The same API key as a bearer token.' }
} as const

const quotaHeaders = {
  'RateLimit-Policy': text('The limit, as requests (`q`) per window in seconds (`w`): `"list";q=6000;w=60`.'),
  RateLimit: text('Requests left (`r`), and seconds until there are more (`t`): `"list";r=0;t=5`.'),
  'X-RateLimit-Limit': count('The maximum number of requests per window.'),
  'X-RateLimit-Remaining': count('The number of requests left.'),
  'X-RateLimit-Reset': count('Seconds until more requests are available.'),
  'X-RateLimit-Scope': text('`instance` while this instance counts alone because Redis is unavailable.')
}

const refusals = {
  401: problemResponse('The API key is not valid, or a key is required and missing.'),
  403: problemResponse('The API key lacks the required scope.'),
  429: {
    ...problemResponse('The client exceeded its rate limit.'),
    headers: { 'Retry-After': count('Seconds until a request will be served.') }
  }
}

/** Collects the schemas of all routes into the OpenAPI document, `app.swagger()`. */
export default fp(
  async (app) => {
    const isReadingPublic = app.config.auth.publicRead
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.1',
        info: {
          title: 'Aisle',
          version: packageJson.version,
          description: packageJson.description,
          license: { name: 'MIT', identifier: 'MIT' }
        },
        servers: [{ url: '/', description: 'This server' }],
        components: { securitySchemes },
        webhooks: describeWebhooks(),
        tags: [
          { name: 'Products', description: 'The catalogue.' },
          { name: 'Webhooks', description: 'Events from other systems.' },
          { name: 'Operations', description: 'For probes and operators.' }
        ]
      },
      transform: ({ schema, url, route }) => ({
        schema: schema && { ...schema, ...describeUse(route.config, schema.response, isReadingPublic) },
        url
      }),
      refResolver: { buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `Schema${index}`) }
    })
  },
  { name: 'openapi' }
)

/** Describes the events that can be delivered, as OpenAPI webhooks. */
function describeWebhooks() {
  const described = webhookEvents.map(({ $id, description, properties }) => {
    const content = { 'application/json': { schema: { $ref: `#/components/schemas/${$id}` } } }
    const operation = {
      operationId: `on${$id}`,
      summary: description,
      tags: ['Webhooks'],
      security: [],
      requestBody: { required: true, content },
      responses: {
        200: { description: 'The event is recorded. Deliver it to the operation `receiveWebhookEvent`.' },
        '4xx': { description: 'The delivery is rejected.' }
      }
    }
    return [properties.type.const, { post: operation }]
  })
  return Object.fromEntries(described)
}

/** Adds to an operation what follows from its access and its rate limit: security, 401, 403, 429, header fields. */
function describeUse(config: FastifyContextConfig | undefined, response: unknown, isReadingPublic: boolean) {
  const { access, limits } = config ?? {}
  const need = needOf(access, isReadingPublic)
  const isOpen = access === 'open'
  const isCounted = limits !== 'exempt'
  const scopes = need === 'nothing' || need === 'key' ? [] : [need]
  const responses: Record<string, object> = {
    ...(response as Record<string, object> | undefined),
    ...(!isOpen && { 401: refusals[401] }),
    ...(scopes.length > 0 && { 403: refusals[403] }),
    ...(isCounted && { 429: refusals[429] })
  }
  return {
    security: isOpen ? [] : [...(need === 'nothing' ? [{}] : []), { apiKey: scopes }, { bearer: scopes }],
    response: isCounted ? withHeaders(responses, quotaHeaders) : responses
  }
}

function withHeaders(responses: Record<string, { headers?: object }>, headers: object) {
  const described = Object.entries(responses).map(([status, response]) => {
    return [status, { ...response, headers: { ...response.headers, ...headers } }]
  })
  return Object.fromEntries(described)
}

function text(description: string) {
  return { type: 'string', description }
}

function count(description: string) {
  return { type: 'integer', description }
}
