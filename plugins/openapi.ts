import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import packageJson from '../package.json' with { type: 'json' }

/** Reading the catalogue needs no key; the empty alternative of `security` below says so. */
const securitySchemes = {
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
  bearer: { type: 'http', scheme: 'bearer', description: 'The same API key as a bearer token.' }
} as const

/** Collects the schemas of all routes into the OpenAPI document, `app.swagger()`. */
export default fp(
  async (app) => {
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
        security: [{}, { apiKey: [] }, { bearer: [] }],
        tags: [
          { name: 'Products', description: 'The catalogue.' },
          { name: 'Operations', description: 'For probes and operators.' }
        ]
      },
      refResolver: { buildLocalReference: (json, _baseUri, _fragment, index) => String(json.$id ?? `Schema${index}`) }
    })
  },
  { name: 'openapi' }
)
