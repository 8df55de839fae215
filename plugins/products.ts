import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { ProductInput, ProductPatch, StockAdjustment } from '../schemas/product-inputs.ts'
import { Pagination, Product, ProductPage } from '../schemas/products.ts'
import { findProduct } from '../src/products/find-product.ts'
import { listProducts } from '../src/listing/list-products.ts'
import { productAnswers } from '../src/listing/product-answers.ts'
import { productEditor } from '../src/products/product-editor.ts'
import type { Products } from '../src/listing/products.ts'

/** `products`: reading the catalogue; `productAnswers`: the same as answers to be cached; `productEditor`: writing it. */
export default fp(
  async (app) => {
    const inputs = [ProductInput, ProductPatch, StockAdjustment]
    for (const schema of [Product, Pagination, ProductPage, ...inputs]) app.addSchema(schema)
    const { database, changes } = app
    const products: Products = {
      list: (query) => listProducts(database, query),
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
