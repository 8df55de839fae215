import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Edit } from '../../src/catalogue/products/product-editor.ts'
import { createProductEditor, type Edited } from '../../src/catalogue/products/product-editor.ts'
import type { ProductRow } from '../../src/catalogue/products/product-row.ts'
import type { StoredResponse } from '../../src/edge/idempotency/keyed-transaction.ts'
import { createKeyedTransaction } from '../../src/edge/idempotency/keyed-transaction.ts'

/** A write of one product by a request. */
interface ProductWrite<After extends ProductRow | undefined> {
  /** The id of the product; a new id when it is left out. */
  id?: Buffer
  edit: Edit<After>
  toResponse: (edited: Edited<After>) => StoredResponse
  /** Whether the route honours `Idempotency-Key`: it validates the key, requires an API key and calls `takeJson`. */
  isKeyed?: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Writes one product in a transaction, sets status and header fields, and returns the body, if there is one. The
     * client sees the change in its very next read.
     */
    writeProduct<After extends ProductRow | undefined>(
      request: FastifyRequest,
      reply: FastifyReply,
      write: ProductWrite<After>
    ): Promise<Buffer | undefined>
  }
}

/** `writeProduct`, for the routes that change one product. */
export default fp(
  async (app) => {
    const { database } = app
    const databaseName = app.config.mysql.database
    const { index, readYourWrites, tail } = app.changeLog
    const editor = createProductEditor({
      database,
      nowMs: Date.now,
      randomBytes,
      async onCommitted(productId) {
        index.markWritten([productId])
        await tail.readNow()
      }
    })

    app.decorate('writeProduct', async (request, reply, { id = editor.newId(), edit, toResponse, isKeyed = false }) => {
      const transact = isKeyed ? keyedTransaction(request) : undefined
      const { status, headers, body } = await editor.edit(id, edit, toResponse, transact)
      if (request.keyId !== null) readYourWrites.record(request.keyId)
      reply.code(status).headers(headers)
      return status === 204 ? undefined : body
    })

    /** Returns what runs the transaction of a request with an `Idempotency-Key`; undefined without one. */
    function keyedTransaction({ apiKey, method, url, headers, bodyBytes: body }: FastifyRequest) {
      const key = headers['idempotency-key']
      if (typeof key !== 'string' || apiKey === null || body === null) return undefined
      return createKeyedTransaction(
        { database, databaseName },
        { apiKeyId: apiKey.id, key, method, url, headers, body }
      )
    }
  },
  { name: 'product-writes', dependencies: ['change-log', 'json-bodies', 'mysql'] }
)
