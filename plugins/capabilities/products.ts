import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { Facets } from '../../schemas/facets.ts'
import { ProductInput, ProductPatch, StockAdjustment } from '../../schemas/product-inputs.ts'
import { Pagination, Product, ProductPage } from '../../schemas/products.ts'
import { createListReader } from '../../src/catalogue/listing/read/list-reader.ts'
import { createProductEditor } from '../../src/catalogue/products/product-editor.ts'
import { createProductResponses } from '../../src/edge/cache/product-responses.ts'

/** `productAnswers`: products, lists and facets, to be answered from the cache; `productEditor`: writing products. */
export default fp(
  async (app) => {
    const inputs = [ProductInput, ProductPatch, StockAdjustment]
    for (const schema of [Product, Pagination, ProductPage, Facets, ...inputs]) app.addSchema(schema)
    const { changeLog, database } = app
    const { queryTimeoutMs } = app.config.mysql
    const reader = createListReader(database, { nowMs: () => performance.now(), queryTimeoutMs })
    app.decorate('productAnswers', createProductResponses(reader, app.config.cache))
    const editor = createProductEditor({
      database,
      nowMs: Date.now,
      randomBytes,
      async onCommitted(productId) {
        changeLog.index.markWritten([productId])
        await changeLog.tail.readNow()
      }
    })
    app.decorate('productEditor', editor)
  },
  { name: 'products', dependencies: ['change-log', 'mysql'] }
)
