import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { Facets } from '../../schemas/facets.ts'
import { ProductInput, ProductPatch, StockAdjustment } from '../../schemas/product-inputs.ts'
import { Pagination, Product, ProductPage } from '../../schemas/products.ts'
import { createCatalogueSampler } from '../../src/catalogue/listing/plan/catalogue-sampler.ts'
import { listProducts } from '../../src/catalogue/listing/read/list-products.ts'
import { PAGE_BUDGET_US, SELECTIVE_TIMEOUT_MS } from '../../src/catalogue/listing/read/list-reader.ts'
import type { Products } from '../../src/catalogue/listing/read/products.ts'
import { readFacets } from '../../src/catalogue/listing/read/read-facets.ts'
import { findProduct } from '../../src/catalogue/products/find-product.ts'
import { createProductEditor } from '../../src/catalogue/products/product-editor.ts'
import { createProductResponses } from '../../src/edge/cache/product-responses.ts'

/** `products`: reading the catalogue; `productAnswers`: the same as answers to be cached; `productEditor`: writing it. */
export default fp(
  async (app) => {
    const inputs = [ProductInput, ProductPatch, StockAdjustment]
    for (const schema of [Product, Pagination, ProductPage, Facets, ...inputs]) app.addSchema(schema)
    const { database, changes } = app
    const reader = {
      database,
      sampler: createCatalogueSampler(database, () => performance.now()),
      fewTimeoutMs: Math.min(SELECTIVE_TIMEOUT_MS, app.config.mysql.queryTimeoutMs),
      pageBudgetUs: PAGE_BUDGET_US
    }
    const products: Products = {
      list: (query) => listProducts(reader, query),
      facets: (filters) => readFacets(reader, filters),
      find: (id) => findProduct(database, id)
    }
    app.decorate('products', products)
    app.decorate('productAnswers', createProductResponses(products, app.config.cache))
    const editor = createProductEditor({
      database,
      nowMs: Date.now,
      randomBytes,
      async onCommitted(productId) {
        changes.view.noteOwnWrite([productId])
        await changes.tail.hasten()
      }
    })
    app.decorate('productEditor', editor)
  },
  { name: 'products', dependencies: ['changes', 'mysql'] }
)
