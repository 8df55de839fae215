import fp from 'fastify-plugin'
import { createListReader } from '../../src/catalogue/listing/read/read-list.ts'
import { createProductResponses, type ProductResponses } from '../../src/edge/cache/product-responses.ts'

declare module 'fastify' {
  interface FastifyInstance {
    productResponses: ProductResponses
  }
}

/** `productResponses`: lists, facets and products, as responses that the cache can load. */
export default fp(
  async (app) => {
    const { queryTimeoutMs } = app.config.mysql
    const reader = createListReader(app.database, { nowMs: () => performance.now(), queryTimeoutMs })
    app.decorate('productResponses', createProductResponses(reader, app.config.cache))
  },
  { name: 'products', dependencies: ['mysql'] }
)
