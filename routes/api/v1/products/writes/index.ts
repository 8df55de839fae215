import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProductInput, ProductPatch, StockAdjustment } from '../../../../../schemas/product-inputs.ts'
import { ProductParams } from '../../../../../schemas/products.ts'
import { Ref } from '../../../../../schemas/types.ts'
import type { ProductEditor } from '../../../../../src/catalogue/products/product-editor.ts'
import {
  adjustStock,
  createProduct,
  deleteProduct,
  patchProduct,
  replaceProduct
} from '../../../../../src/catalogue/products/product-edits.ts'
import { readInput, readPatch } from '../../../../../src/catalogue/products/read-input.ts'
import type { StoredResponse } from '../../../../../src/edge/idempotency/stored-responses.ts'
import { createBodyValidator } from '../../../../../src/platform/http/body-validator.ts'
import { readJson } from '../../../../../src/platform/http/read-json.ts'
import { parseId } from '../../../../../src/platform/lib/uuid.ts'
import { PRODUCTS_PATH, toCreated, toReplaced, toWritten } from './answers.ts'
import {
  ConditionHeaders,
  conditionFailed,
  created,
  IdempotencyHeaders,
  KeyedConditionHeaders,
  keyed,
  keyReused,
  notFound,
  orInUse,
  problems,
  skuConflict,
  stockConflict,
  written
} from './responses.ts'

/** The paths are those of reading. The folder is a boundary: within it, bodies are read and validated as they come. */
export const autoPrefix = PRODUCTS_PATH

/** The longest product with twelve bytes for each character, and as much again for the rest. */
const json = { parseAs: 'buffer', bodyLimit: 131_072 } as const
const MERGE_PATCH = 'application/merge-patch+json'

const config = { access: 'products:write', limits: 'write' } as const
const tags = ['Products']
const params = ProductParams

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const editor = app.getDecorator<ProductEditor>('productEditor')
  const { keyedTransaction } = app
  const { readYourWrites } = app.changeLog
  const compile = createBodyValidator([ProductInput, ProductPatch, StockAdjustment])
  app.setValidatorCompiler<object>(({ schema }) => compile(schema))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', json, parse)
  app.addHook('onSend', async (request, reply) => {
    if (reply.statusCode < 300 && request.keyId !== null) readYourWrites.record(request.keyId)
  })

  app.post(
    '',
    {
      config,
      schema: {
        operationId: 'createProduct',
        summary: 'Create a product',
        tags,
        headers: IdempotencyHeaders,
        body: Ref(ProductInput),
        response: {
          ...problems,
          201: keyed(created('The product, with an id of its own.')),
          409: orInUse(skuConflict),
          422: keyReused
        }
      }
    },
    async (request, reply) => {
      const edit = createProduct(readInput(request.body))
      return send(reply, await editor.edit(editor.newId(), edit, toCreated, keyedTransaction(request)))
    }
  )

  app.put(
    '/:id',
    {
      config,
      schema: {
        operationId: 'replaceProduct',
        summary: 'Create or replace a product',
        description:
          'Replaces the product as a whole: what is not said of it is null, the stock 0. Makes it where there is none; ' +
          'with `If-None-Match: *` only then.',
        tags,
        params,
        headers: ConditionHeaders,
        body: Ref(ProductInput),
        response: {
          ...problems,
          200: written('The product, as it is now.'),
          201: created('The product, which is new.'),
          409: skuConflict,
          412: conditionFailed
        }
      }
    },
    async (request, reply) => {
      const edit = replaceProduct(readInput(request.body), request.headers)
      return send(reply, await editor.edit(parseId(request.params.id), edit, toReplaced))
    }
  )

  await app.register(patchRoute)

  app.delete(
    '/:id',
    {
      config,
      schema: {
        operationId: 'deleteProduct',
        summary: 'Delete a product',
        tags,
        params,
        headers: ConditionHeaders,
        response: {
          ...problems,
          204: { description: 'It is deleted.', type: 'null' },
          404: notFound,
          412: conditionFailed
        }
      }
    },
    async (request, reply) => {
      await editor.edit(parseId(request.params.id), deleteProduct(request.headers), () => {})
      return reply.code(204).send()
    }
  )

  app.post(
    '/:id/stock-adjustments',
    {
      config,
      schema: {
        operationId: 'adjustStock',
        summary: 'Add to the stock, or take from it',
        description: 'Adjustments of several clients at the same time all count. Nobody takes what is not there.',
        tags,
        params,
        headers: KeyedConditionHeaders,
        body: Ref(StockAdjustment),
        response: {
          ...problems,
          200: keyed(written('The product, with its new stock.')),
          404: notFound,
          409: orInUse(stockConflict),
          412: conditionFailed,
          422: keyReused
        }
      }
    },
    async (request, reply) => {
      const edit = adjustStock(request.body.delta, request.headers)
      return send(reply, await editor.edit(parseId(request.params.id), edit, toWritten, keyedTransaction(request)))
    }
  )
}

/** The one route that takes merge patches. */
const patchRoute: FastifyPluginAsyncTypebox = async (app) => {
  const editor = app.getDecorator<ProductEditor>('productEditor')
  const { keyedTransaction } = app
  app.addContentTypeParser(MERGE_PATCH, json, parse)

  app.patch(
    '/:id',
    {
      config,
      schema: {
        operationId: 'patchProduct',
        summary: 'Change some fields of a product',
        description: 'By merge patch (RFC 7396). A patch that changes nothing leaves the entity tag as it is.',
        tags,
        params,
        headers: KeyedConditionHeaders,
        consumes: [MERGE_PATCH, 'application/json'],
        body: Ref(ProductPatch),
        response: {
          ...problems,
          200: keyed(written('The product, as it is now.')),
          404: notFound,
          409: orInUse(skuConflict),
          412: conditionFailed,
          422: keyReused
        }
      }
    },
    async (request, reply) => {
      const edit = patchProduct(readPatch(request.body), request.headers)
      return send(reply, await editor.edit(parseId(request.params.id), edit, toWritten, keyedTransaction(request)))
    }
  )
}

export default routes

async function parse(request: FastifyRequest, body: Buffer): Promise<unknown> {
  request.bodyBytes = body
  return readJson(body, request.headers)
}

function send(reply: FastifyReply, { status, headers, body }: StoredResponse) {
  return reply.code(status).headers(headers).send(body)
}
