import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { Facets } from '../../schemas/facets.ts'
import { ProductInput, ProductPatch, StockAdjustment } from '../../schemas/product-inputs.ts'
import { Pagination, Product, ProductPage } from '../../schemas/products.ts'
import { catalogueSampler } from '../../src/catalogue/listing/plan/catalogue-sampler.ts'
import { listProducts } from '../../src/catalogue/listing/read/list-products.ts'
import { FEW_TIMEOUT_MS, PAGE_BUDGET_US } from '../../src/catalogue/listing/read/list-reader.ts'
import type { Products } from '../../src/catalogue/listing/read/products.ts'
import { readFacets } from '../../src/catalogue/listing/read/read-facets.ts'
import { findProduct } from '../../src/catalogue/products/find-product.ts'
import { productEditor } from '../../src/catalogue/products/product-editor.ts'
import { productAnswers } from '../../src/edge/cache/product-answers.ts'

/** `products`: reading the catalogue; `productAnswers`: the same as answers to be cached; `productEditor`: writing it. */
export default fp(
  async (app) => {
    const inputs = [ProductInput, ProductPatch, StockAdjustment]
    for (const schema of [Product, Pagination, ProductPage, Facets, ...inputs]) app.addSchema(schema)
    const { database, changes } = app
    const reader = {
      database,
      sampler: catalogueSampler(database, () => performance.now()),
      fewTimeoutMs: Math.min(FEW_TIMEOUT_MS, app.config.mysql.queryTimeoutMs),
      pageBudgetUs: PAGE_BUDGET_US
    }
    const products: Products = {
      list: (query) => listProducts(reader, query),
      facets: (filters) => readFacets(reader, filters),
      find: (id) => findProduct(database, id)
    }
    app.decorate('products', products)
    app.decorate('productAnswers', productAnswers(products, app.config.cache))
    const editor = productEditor({
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
