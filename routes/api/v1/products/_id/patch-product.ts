import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ProductPatch } from '../../../../../schemas/product-inputs.ts'
import {
  conditionFailed,
  KeyedConditionHeaders,
  keyed,
  keyReused,
  notFound,
  orInUse,
  problems,
  skuConflict,
  written
} from '../../../../../schemas/product-writes.ts'
import { ProductParams } from '../../../../../schemas/products.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { readPatch } from '../../../../../src/catalogue/products/fields.ts'
import { patchProduct } from '../../../../../src/catalogue/products/product-editor.ts'
import { PRODUCT_MAX_BYTES } from '../../../../../src/config/limits.ts'
import { toWritten } from '../../../../../src/edge/write-responses.ts'
import { parseId } from '../../../../../src/platform/lib/uuid.ts'

const CONTENT_TYPES = ['application/merge-patch+json', 'application/json']

/** `PATCH /api/v1/products/{id}` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { writeProduct } = app
  app.takeJson({ limitBytes: PRODUCT_MAX_BYTES, contentTypes: CONTENT_TYPES })

  app.patch(
    '',
    {
      config: { access: 'products:write', limits: 'write' },
      schema: {
        operationId: 'patchProduct',
        summary: 'Change some fields of a product',
        description: 'A merge patch (RFC 7396). A patch that changes nothing leaves the entity tag as it is.',
        tags: ['Products'],
        params: ProductParams,
        headers: KeyedConditionHeaders,
        consumes: CONTENT_TYPES,
        body: Ref(ProductPatch),
        response: {
          ...problems,
          200: keyed(written('The product as it is now.')),
          404: notFound,
          409: orInUse(skuConflict),
          412: conditionFailed,
          422: keyReused
        }
      }
    },
    (request, reply) =>
      writeProduct(request, reply, {
        id: parseId(request.params.id),
        edit: patchProduct(readPatch(request.body), request.headers),
        toResponse: toWritten,
        isKeyed: true
      })
  )
}

export default route
