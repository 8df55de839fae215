import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { StockAdjustment } from '../../../../../../schemas/product-inputs.ts'
import {
  conditionFailed,
  KeyedConditionHeaders,
  keyed,
  keyReused,
  notFound,
  orInUse,
  problems,
  stockConflict,
  written
} from '../../../../../../schemas/product-writes.ts'
import { ProductParams } from '../../../../../../schemas/products.ts'
import { Ref } from '../../../../../../schemas/types.ts'
import { adjustStock } from '../../../../../../src/catalogue/products/product-editor.ts'
import { PRODUCT_MAX_BYTES } from '../../../../../../src/config/limits.ts'
import { toWritten } from '../../../../../../src/edge/write-responses.ts'
import { parseId } from '../../../../../../src/platform/lib/uuid.ts'

/** `POST /api/v1/products/{id}/stock-adjustments` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { writeProduct } = app
  app.takeJson({ limitBytes: PRODUCT_MAX_BYTES })

  app.post(
    '',
    {
      config: { access: 'products:write', limits: 'write' },
      schema: {
        operationId: 'adjustStock',
        summary: 'Add to the stock, or take from it',
        description: 'Atomic: concurrent adjustments all count, and the stock never falls below zero.',
        tags: ['Products'],
        params: ProductParams,
        headers: KeyedConditionHeaders,
        body: Ref(StockAdjustment),
        response: {
          ...problems,
          200: keyed(written('The product with its new stock.')),
          404: notFound,
          409: orInUse(stockConflict),
          412: conditionFailed,
          422: keyReused
        }
      }
    },
    (request, reply) =>
      writeProduct(request, reply, {
        id: parseId(request.params.id),
        edit: adjustStock(request.body.delta, request.headers),
        toResponse: toWritten,
        isKeyed: true
      })
  )
}

export default route
