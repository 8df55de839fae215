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

/** Registers the schemas that routes refer to, each once, by its `$id`. The OpenAPI document names them alike. */
export default fp(
  async (app) => {
    for (const schema of schemas) app.addSchema(schema)
  },
  { name: 'schemas' }
)
