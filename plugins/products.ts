import fp from 'fastify-plugin'
import { Pagination, Product, ProductPage } from '../schemas/products.ts'
import { findProduct } from '../src/products/find-product.ts'
import { listProducts } from '../src/products/list-products.ts'
import { productAnswers } from '../src/products/product-answers.ts'
import type { Products } from '../src/products/products.ts'

/** `products`: reading the catalogue; `productAnswers`: the same as answers to be cached. */
export default fp(
  async (app) => {
    for (const schema of [Product, Pagination, ProductPage]) app.addSchema(schema)
    const { database } = app
    const products: Products = {
      list: (query) => listProducts(database, query),
      find: (id) => findProduct(database, id)
    }
    app.decorate('products', products)
    app.decorate('productAnswers', productAnswers(products, app.config.cache))
  },
  { name: 'products', dependencies: ['mysql'] }
)
