import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import type { FastifySerializerCompiler } from 'fastify'
import fp from 'fastify-plugin'
import { Availability } from '../../schemas/availability.ts'
import { BulkDelete, BulkEnd, BulkFailure, BulkResult, BulkUpsert } from '../../schemas/bulk.ts'
import { ProductChange, ProductChangePage } from '../../schemas/changes.ts'
import { Facets } from '../../schemas/facets.ts'
import { Health, Liveness } from '../../schemas/health.ts'
import { Problem } from '../../schemas/problem.ts'
import { ProductInput, ProductPatch, StockAdjustment } from '../../schemas/product-inputs.ts'
import { Pagination, Product, ProductPage } from '../../schemas/products.ts'
import { ServiceIndex } from '../../schemas/service-index.ts'
import {
  StoredWebhookEvent,
  StoredWebhookEventDetails,
  StoredWebhookEventPage,
  WebhookReplay,
  WebhookReplayResult
} from '../../schemas/webhook-inbox.ts'
import { WebhookEvent, WebhookReceipt, webhookEvents } from '../../schemas/webhooks.ts'

const schemas = [
  ...[Problem, ServiceIndex, Health, Liveness],
  ...[Product, Pagination, ProductPage, Facets, Availability],
  ...[ProductInput, ProductPatch, StockAdjustment],
  ...[BulkUpsert, BulkDelete, BulkResult, BulkFailure, BulkEnd],
  ...[ProductChange, ProductChangePage],
  ...[WebhookEvent, WebhookReceipt, ...webhookEvents],
  ...[StoredWebhookEvent, StoredWebhookEventDetails, StoredWebhookEventPage, WebhookReplay, WebhookReplayResult]
]

const schemasById = Object.fromEntries(schemas.map((schema) => [schema.$id, schema as Schema]))
const serializers = new Map<string, (data: unknown) => string>()

/**
 * Compiles the schema of a response, and each only once: most responses are problems, and compiling one for each route
 * takes a quarter of the time of a start.
 */
const compileSerializer: FastifySerializerCompiler<unknown> = ({ schema }) => {
  const key = JSON.stringify(schema)
  const known = serializers.get(key)
  if (known !== undefined) return known
  const serializer = fastJsonStringify(schema as Schema, { schema: schemasById })
  serializers.set(key, serializer)
  return serializer
}

/** Registers the schemas that routes refer to, each once, by its `$id`. The OpenAPI document names them alike. */
export default fp(
  async (app) => {
    for (const schema of schemas) app.addSchema(schema)
    app.setSerializerCompiler(compileSerializer)
  },
  { name: 'schemas' }
)
