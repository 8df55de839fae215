import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ConditionHeaders, conditionFailed, notFound, problems } from '../../../../../schemas/product-writes.ts'
import { ProductParams } from '../../../../../schemas/products.ts'
import { deleteProduct } from '../../../../../src/catalogue/products/product-editor.ts'
import { PRODUCT_MAX_BYTES } from '../../../../../src/config/limits.ts'
import { toDeleted } from '../../../../../src/edge/write-responses.ts'
import { parseId } from '../../../../../src/platform/lib/uuid.ts'

/** `DELETE /api/v1/products/{id}` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { writeProduct } = app
  app.takeJson({ limitBytes: PRODUCT_MAX_BYTES })

  app.delete(
    '',
    {
      config: { access: 'products:write', limits: 'write' },
      schema: {
        operationId: 'deleteProduct',
        summary: 'Delete a product',
        tags: ['Products'],
        params: ProductParams,
        headers: ConditionHeaders,
        response: {
          ...problems,
          204: { description: 'The product is deleted.', type: 'null' },
          404: notFound,
          412: conditionFailed
        }
      }
    },
    (request, reply) =>
      writeProduct(request, reply, {
        id: parseId(request.params.id),
        edit: deleteProduct(request.headers),
        toResponse: toDeleted
      })
  )
}

export default route
