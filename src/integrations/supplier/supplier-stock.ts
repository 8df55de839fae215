import { Type } from '@sinclair/typebox'
import { TokenError } from '../oauth/token-error.ts'
import type { UpstreamClient } from '../upstream/upstream-client.ts'
import { UpstreamError, type UpstreamErrorKind } from '../upstream/upstream-error.ts'
import { isDotSegment } from '../upstream/upstream-target.ts'

/** Why it is not known what the supplier has of a product. */
export type Unknown =
  /** There is no supplier. */
  | 'not-configured'
  /** The product has no sku to ask for. */
  | 'no-sku'
  /** The supplier does not have it. */
  | 'unknown-sku'
  /** There is no access token. */
  | 'no-token'
  | UpstreamErrorKind

/** What the supplier has of a product, since when: RFC 3339, UTC, ms. */
export type SupplierStock = { outcome: 'live'; available: number; asOf: string } | { outcome: Unknown }

export type AskSupplier = (sku: string) => Promise<SupplierStock>

interface SupplierStockOptions {
  client: UpstreamClient
  deadlineMs: number
  /** Told why, whenever the supplier did not answer as it should. */
  onFailure: (error: UpstreamError | TokenError) => void
}

/** What is agreed of `GET /availability/{sku}`. */
const Reply = Type.Object({
  sku: Type.String(),
  available: Type.Integer({ maximum: Number.MAX_SAFE_INTEGER }),
  updatedAt: Type.String({
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})$'
  })
})
const LIMIT_BYTES = 16_384

/** Asks the supplier. It answers by the deadline, and does not fail because the supplier does. */
export function createSupplierStock({ client, deadlineMs, onFailure }: SupplierStockOptions): AskSupplier {
  return async (sku) => {
    if (isDotSegment(sku)) return { outcome: 'unknown-sku' }
    try {
      // By the deadline and not by a signal: a supplier that is too slow each time is to be left alone.
      const call = { path: ['availability', sku], response: Reply, deadlineMs, limitBytes: LIMIT_BYTES }
      const { available, updatedAt, ...reply } = await client.request(call)
      const asOf = new Date(updatedAt)
      if (reply.sku !== sku || Number.isNaN(asOf.getTime())) throw new UpstreamError(client.upstream, 'malformed')
      // Sold more often than it was there.
      return { outcome: 'live', available: Math.max(0, available), asOf: asOf.toISOString() }
    } catch (error) {
      if (!(error instanceof UpstreamError || error instanceof TokenError)) throw error
      if (error instanceof UpstreamError && error.status === 404) return { outcome: 'unknown-sku' }
      onFailure(error)
      return { outcome: error instanceof TokenError ? 'no-token' : error.kind }
    }
  }
}
