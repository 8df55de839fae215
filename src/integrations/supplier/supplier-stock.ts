import { Type } from '@sinclair/typebox'
import { createBoundedMap } from '../../platform/lib/bounded-map.ts'
import { TokenError } from '../oauth/token-provider.ts'
import { isDotSegment, type UpstreamClient } from '../upstream/upstream-client.ts'
import { UpstreamError, type UpstreamErrorKind } from '../upstream/upstream-error.ts'

/** Why the supplier's stock of a product is not known. */
export type UnknownStock =
  /** No supplier is configured. */
  | 'not-configured'
  /** The product has no sku to ask for. */
  | 'no-sku'
  /** The supplier does not know the sku. */
  | 'unknown-sku'
  /** There is no access token. */
  | 'no-token'
  | UpstreamErrorKind

/** The supplier's stock of a product, and when it was updated (RFC 3339, UTC, ms); or why it is not known. */
export type SupplierStock = { outcome: 'live'; available: number; asOf: string } | { outcome: UnknownStock }

/** Asks the supplier for its stock of a sku. Failures of the supplier are outcomes, not errors. */
export type AskSupplier = (sku: string) => Promise<SupplierStock>

interface SupplierStockOptions {
  client: UpstreamClient
  /** The time for a call. */
  deadlineMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** Called when the supplier did not answer as it should. */
  onFailure: (error: UpstreamError | TokenError) => void
}

/** The agreed response of `GET /availability/{sku}`. */
const StockResponse = Type.Object({
  sku: Type.String(),
  available: Type.Integer({ maximum: Number.MAX_SAFE_INTEGER }),
  updatedAt: Type.String({
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})$'
  })
})
const LIMIT_BYTES = 16_384
/** Short for a shop, but long for a supplier when all visitors look at one product. */
const KEEP_MS = 2000
const MAX_SKUS = 10_000
/** Nothing was sent: the next call may be. */
const UNSENT: readonly SupplierStock['outcome'][] = ['open', 'busy']

/** Makes a function that asks the supplier for its stock: once for each sku, however many callers ask within 2 s. */
export function createSupplierStock({ client, deadlineMs, nowMs, onFailure }: SupplierStockOptions): AskSupplier {
  async function ask(sku: string): Promise<SupplierStock> {
    if (isDotSegment(sku)) return { outcome: 'unknown-sku' }
    try {
      // A deadline and not a signal: the breaker counts a deadline as a failure of a supplier that is always too slow.
      const call = { path: ['availability', sku], response: StockResponse, deadlineMs, limitBytes: LIMIT_BYTES }
      const { available, updatedAt, ...response } = await client.request(call)
      const asOf = new Date(updatedAt)
      if (response.sku !== sku || Number.isNaN(asOf.getTime())) throw new UpstreamError(client.upstream, 'malformed')
      // Negative when more was sold than was in stock.
      return { outcome: 'live', available: Math.max(0, available), asOf: asOf.toISOString() }
    } catch (error) {
      if (!(error instanceof UpstreamError || error instanceof TokenError)) throw error
      if (error instanceof UpstreamError && error.status === 404) return { outcome: 'unknown-sku' }
      onFailure(error)
      return { outcome: error instanceof TokenError ? 'no-token' : error.kind }
    }
  }

  return shareStock(ask, nowMs)
}

interface RecentStock {
  stock: Promise<SupplierStock>
  /** Infinite until the stock has come. */
  expiresAtMs: number
}

/**
 * Makes a function that shares one call for a sku between all callers until 2 s after its end, also when it failed.
 * While the supplier is slow for one sku, only one call waits for it.
 * @internal
 */
export function shareStock(ask: AskSupplier, nowMs: () => number): AskSupplier {
  const recents = createBoundedMap<string, RecentStock>(MAX_SKUS)

  function start(sku: string): Promise<SupplierStock> {
    const recent: RecentStock = { stock: ask(sku), expiresAtMs: Number.POSITIVE_INFINITY }
    recents.set(sku, recent)
    const forget = () => {
      if (recents.get(sku) === recent) recents.delete(sku)
    }
    recent.stock.then(({ outcome }) => {
      if (UNSENT.includes(outcome)) forget()
      else recent.expiresAtMs = nowMs() + KEEP_MS
    }, forget)
    return recent.stock
  }

  return (sku) => {
    const recent = recents.get(sku)
    return recent !== undefined && nowMs() < recent.expiresAtMs ? recent.stock : start(sku)
  }
}
