import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ProductInput } from '../../../../../schemas/product-inputs.ts'
import {
  ConditionHeaders,
  conditionFailed,
  created,
  problems,
  skuConflict,
  written
} from '../../../../../schemas/product-writes.ts'
import { ProductParams } from '../../../../../schemas/products.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { readInput } from '../../../../../src/catalogue/products/fields.ts'
import { replaceProduct } from '../../../../../src/catalogue/products/product-editor.ts'
import { PRODUCT_MAX_BYTES } from '../../../../../src/config/limits.ts'
import { toReplaced } from '../../../../../src/edge/write-responses.ts'
import { parseId } from '../../../../../src/platform/lib/uuid.ts'

/** `PUT /api/v1/products/{id}` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { writeProduct } = app
  app.takeJson({ limitBytes: PRODUCT_MAX_BYTES })

  app.put(
    '',
    {
      config: { access: 'products:write', limits: 'write' },
      schema: {
        operationId: 'replaceProduct',
        summary: 'Create or replace a product',
        description:
          'Replaces the whole product: fields that the body leaves out become null, the stock 0. Creates the product if ' +
          'it does not exist; with `If-None-Match: *` only then.',
        tags: ['Products'],
        params: ProductParams,
        headers: ConditionHeaders,
        body: Ref(ProductInput),
        response: {
          ...problems,
          200: written('The product as it is now.'),
          201: created('The new product.'),
          409: skuConflict,
          412: conditionFailed
        }
      }
    },
    (request, reply) =>
      writeProduct(request, reply, {
        id: parseId(request.params.id),
        edit: replaceProduct(readInput(request.body), request.headers),
        toResponse: toReplaced
      })
  )
}

export default route
