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
  'RateLimit-Policy': text('How many requests in how many seconds: `"list";q=6000;w=60`.'),
  RateLimit: text('How many are left, and in how many seconds there are more: `"list";r=0;t=5`.'),
  'X-RateLimit-Limit': count('How many requests a window takes.'),
  'X-RateLimit-Remaining': count('How many are left.'),
  'X-RateLimit-Reset': count('In how many seconds there are more.'),
  'X-RateLimit-Scope': text('`instance`, where this instance counts alone, as Redis does not answer.')
}

const refusals = {
  401: problemResponse('The API key is not valid; or there is none, where one is required.'),
  403: problemResponse('The API key does not have the scope that is required.'),
  429: {
    ...problemResponse('The client has sent too many requests.'),
    headers: { 'Retry-After': count('Seconds, after which a request is served.') }
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
          { name: 'Webhooks', description: 'What other systems tell.' },
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

/** The events that are understood when they are delivered. */
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
        200: { description: 'It is recorded: see the operation `receiveWebhookEvent`, to which it is delivered.' },
        '4xx': { description: 'It is refused.' }
      }
    }
    return [properties.type.const, { post: operation }]
  })
  return Object.fromEntries(described)
}

/** What follows for an operation from who may use it, and how often. */
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
