import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../schemas/problem.ts'
import { Product, ProductListQuery, ProductPage, ProductParams } from '../../../../schemas/products.ts'
import { Ref } from '../../../../schemas/types.ts'
import { parseListQuery } from '../../../../src/products/list-query.ts'
import type { Products } from '../../../../src/products/products.ts'
import { linkHeader } from './link-header.ts'

const tags = ['Products']

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const products = app.getDecorator<Products>('products')

  app.get(
    '',
    {
      schema: {
        operationId: 'listProducts',
        summary: 'List products',
        description:
          'Filters, searches, sorts and pages. Follow `nextCursor` (or the link `next`) until it is null: every product ' +
          'comes exactly once, at the same cost on every page.',
        tags,
        querystring: ProductListQuery,
        response: {
          200: {
            description: 'A page of products.',
            headers: { Link: { type: 'string', description: 'The pages around this one, as in RFC 8288.' } },
            content: { 'application/json': { schema: Ref(ProductPage) } }
          },
          400: problemResponse('A parameter is wrong: `errors` names it.'),
          503: problemResponse('The database does not answer; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => {
      const page = await products.list(parseListQuery(request.query))
      reply.header('link', linkHeader(request.url, page.pagination))
      return page
    }
  )

  app.get(
    '/:id',
    {
      schema: {
        operationId: 'getProduct',
        summary: 'Get one product',
        tags,
        params: ProductParams,
        response: {
          200: {
            description: 'The product.',
            headers: { ETag: { type: 'string', description: 'The entity tag of this state of the product.' } },
            content: { 'application/json': { schema: Ref(Product) } }
          },
          400: problemResponse('The id is not a UUID.'),
          404: problemResponse('There is no such product.'),
          503: problemResponse('The database does not answer; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => {
      const { product, etag } = await products.find(request.params.id)
      reply.header('etag', etag)
      return product
    }
  )
}

export default routes
