import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ProductInput } from '../../../../schemas/product-inputs.ts'
import {
  created,
  IdempotencyHeaders,
  keyed,
  keyReused,
  orInUse,
  problems,
  skuConflict
} from '../../../../schemas/product-writes.ts'
import { Ref } from '../../../../schemas/types.ts'
import { readInput } from '../../../../src/catalogue/products/fields.ts'
import { createProduct } from '../../../../src/catalogue/products/product-editor.ts'
import { PRODUCT_MAX_BYTES } from '../../../../src/config/limits.ts'
import { toCreated } from '../../../../src/edge/write-responses.ts'

/** `POST /api/v1/products` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { writeProduct } = app
  app.takeJson({ limitBytes: PRODUCT_MAX_BYTES })

  app.post(
    '',
    {
      config: { access: 'products:write', limits: 'write' },
      schema: {
        operationId: 'createProduct',
        summary: 'Create a product',
        tags: ['Products'],
        headers: IdempotencyHeaders,
        body: Ref(ProductInput),
        response: {
          ...problems,
          201: keyed(created('The new product, with its own id.')),
          409: orInUse(skuConflict),
          422: keyReused
        }
      }
    },
    (request, reply) =>
      writeProduct(request, reply, {
        edit: createProduct(readInput(request.body)),
        toResponse: toCreated,
        isKeyed: true
      })
  )
}

export default route
