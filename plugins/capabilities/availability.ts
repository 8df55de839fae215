import fp from 'fastify-plugin'
import { createAvailabilityFinder, type FindAvailability } from '../../src/integrations/supplier/availability.ts'
import { createSupplierStock } from '../../src/integrations/supplier/supplier-stock.ts'

declare module 'fastify' {
  interface FastifyInstance {
    findAvailability: FindAvailability
  }
}

/** Between two log lines on failures: there may be a failure with every request. */
const LOG_INTERVAL_MS = 10_000

/** `findAvailability`: the supplier's stock of a product, or the catalogue's. */
export default fp(
  async (app) => {
    const { cache, productResponses, supplier } = app
    const { deadlineMs } = app.config.availability
    const nowMs = () => performance.now()
    const answers = app.metrics.counter({
      name: 'aisle_availability_answers_total',
      help: 'Availability responses by outcome: live (from the supplier), or why the catalogue answered instead: not-configured, no-sku, unknown-sku, no-token, open (the circuit breaker), busy, deadline, timeout, own-fault, network, status, redirect, malformed, too-large.',
      labelNames: ['outcome']
    })
    let silentUntilMs = 0

    function logFailure(error: Error): void {
      if (nowMs() < silentUntilMs) return
      silentUntilMs = nowMs() + LOG_INTERVAL_MS
      app.log.warn({ err: error }, 'The supplier did not return its stock: using that of the catalogue')
    }

    app.decorate(
      'findAvailability',
      createAvailabilityFinder({
        async findProduct(id, seenVersion) {
          const { entry } = await cache.responses.get(productResponses.product(id), seenVersion)
          return JSON.parse(entry.response.body.toString())
        },
        askSupplier: supplier && createSupplierStock({ ...supplier, deadlineMs, nowMs, onFailure: logFailure }),
        deadlineMs,
        nowMs,
        onFound: (outcome) => answers.labels({ outcome }).inc()
      })
    )
  },
  { name: 'availability', dependencies: ['cache', 'metrics', 'products', 'supplier'] }
)
