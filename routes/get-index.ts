import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import packageJson from '../package.json' with { type: 'json' }
import { problemResponse } from '../schemas/problem.ts'
import { ServiceIndex } from '../schemas/service-index.ts'
import { Ref } from '../schemas/types.ts'
import { PRODUCTS_PATH } from '../src/edge/cache/product-responses.ts'

const index: ServiceIndex = {
  name: 'Aisle',
  version: packageJson.version,
  links: {
    products: PRODUCTS_PATH,
    facets: `${PRODUCTS_PATH}/facets`,
    openapi: '/openapi.json',
    docs: '/docs',
    health: '/health'
  }
}

/** `GET /`: a page for browsers, a small index for JSON clients. */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const page = readFileSync(join(import.meta.dirname, 'index.html'), 'utf8').replaceAll(
    '{version}',
    packageJson.version
  )
  const contentSecurityPolicy = policyOf(page)
  const { vary } = app.responseHeaders.constant

  app.get(
    '/',
    {
      config: { access: 'open', limits: 'docs' },
      schema: {
        operationId: 'getIndex',
        summary: 'Where to begin',
        description: 'A page for browsers, which ask for `text/html`; otherwise a small JSON index.',
        tags: ['Operations'],
        response: {
          200: {
            description: 'The index.',
            headers: { Vary: { type: 'string', description: 'The response depends on `Accept`.' } },
            content: {
              'application/json': { schema: Ref(ServiceIndex) },
              'text/html': { schema: Type.String() }
            }
          },
          400: problemResponse('A parameter is unknown; `errors` names it.')
        }
      }
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-cache').header('vary', vary === undefined ? 'Accept' : `Accept, ${vary}`)
      if (!/\btext\/html\b/i.test(request.headers.accept ?? '')) return index
      reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy)
      return page
    }
  )
}

export default route

/** Allows the one style sheet that is in the page, by its hash, and nothing else. */
function policyOf(page: string): string {
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
  const styleHash = hash('sha256', style, 'base64')
  return `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}
