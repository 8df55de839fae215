import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../schemas/problem.ts'
import { Product, ProductListQuery, ProductPage, ProductParams } from '../../../../schemas/products.ts'
import { cacheHeaders, notModified } from '../../../../schemas/responses.ts'
import { Ref } from '../../../../schemas/types.ts'
import { parseListQuery } from '../../../../src/catalogue/listing/query/list-query.ts'
import type { ProductResponses } from '../../../../src/edge/cache/product-responses.ts'

const tags = ['Products']
const LIST_PATH = '/api/v1/products'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const answers = app.getDecorator<ProductResponses>('productAnswers')
  const { sendAnswer } = app

  app.get(
    '',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'listProducts',
        summary: 'List products',
        description:
          'Filters, searches, sorts and pages. Follow `nextCursor` (or the link `next`) until it is null: every product ' +
          'comes exactly once, and the last pages cost no more than the first ones. Where what is searched for is very ' +
          'hard to find a page may be short, or even empty, though the list goes on: only a `nextCursor` of null ends it.',
        tags,
        querystring: ProductListQuery,
        response: {
          200: {
            description: 'A page of products.',
            headers: {
              ...cacheHeaders,
              ETag: { type: 'string', description: 'The weak entity tag of the page, for `If-None-Match`.' },
              Link: { type: 'string', description: 'The pages around this one, as in RFC 8288.' }
            },
            content: { 'application/json': { schema: Ref(ProductPage) } }
          },
          304: notModified,
          400: problemResponse('A parameter is wrong: `errors` names it.'),
          503: problemResponse('The database does not answer; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => sendAnswer(request, reply, answers.list(parseListQuery(request.query), LIST_PATH))
  )

  app.get(
    '/:id',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'getProduct',
        summary: 'Get one product',
        tags,
        params: ProductParams,
        response: {
          200: {
            description: 'The product.',
            headers: {
              ...cacheHeaders,
              ETag: { type: 'string', description: 'The entity tag of this state of the product.' },
              'Last-Modified': { type: 'string', description: 'The time of its last change, to the second.' }
            },
            content: { 'application/json': { schema: Ref(Product) } }
          },
          304: notModified,
          400: problemResponse('The id is not a UUID.'),
          404: problemResponse('There is no such product.'),
          503: problemResponse('The database does not answer; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => sendAnswer(request, reply, answers.product(request.params.id))
  )
}

export default routes
