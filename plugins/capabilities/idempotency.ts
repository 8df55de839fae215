import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createKeyedTransaction } from '../../src/edge/idempotency/keyed-transaction.ts'
import type { StoredResponse } from '../../src/edge/idempotency/stored-responses.ts'
import type { Transact } from '../../src/platform/database/transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns what runs the transaction of a request with an `Idempotency-Key`; undefined without one. */
    keyedTransaction(request: FastifyRequest): Transact<StoredResponse> | undefined
  }
}

/** `keyedTransaction`, for routes that honour `Idempotency-Key`. They validate it, require an API key and call `takeJson`. */
export default fp(
  async (app) => {
    const context = { database: app.database, databaseName: app.config.mysql.database }
    app.decorate('keyedTransaction', ({ apiKey, method, url, headers, bodyBytes }) => {
      const key = headers['idempotency-key']
      if (typeof key !== 'string' || apiKey === null || bodyBytes === null) return undefined
      return createKeyedTransaction(context, { apiKeyId: apiKey.id, key, method, url, headers, body: bodyBytes })
    })
  },
  { name: 'idempotency', dependencies: ['json-bodies', 'mysql'] }
)
