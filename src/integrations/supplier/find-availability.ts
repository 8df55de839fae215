import type { Availability } from '../../../schemas/availability.ts'
import type { Product } from '../../../schemas/products.ts'
import { startTimeout } from '../../platform/lib/time-limit.ts'
import type { AskSupplier, SupplierStock } from './supplier-stock.ts'

/**
 * Finds how many there are of a product: as the supplier says, or where it does not, or not in time, as the catalogue does.
 * @param seenVersion of the change log: whoever asks is to see all that is in it up to here
 * @throws whatever the reading of the catalogue throws
 */
export type FindAvailability = (productId: string, seenVersion: number) => Promise<Availability>

interface FindAvailabilityOptions {
  findProduct: (id: string, seenVersion: number) => Promise<Product>
  /** Null where there is no supplier. */
  askSupplier: AskSupplier | null
  /** For all of it: the supplier has what the catalogue leaves. */
  deadlineMs: number
  /** Monotonic. */
  nowMs: () => number
  /** Told of every answer where it comes from, or why not from the supplier. */
  onFound: (outcome: SupplierStock['outcome']) => void
}

export function createAvailabilityFinder(options: FindAvailabilityOptions): FindAvailability {
  const { findProduct, askSupplier, deadlineMs, nowMs, onFound } = options

  async function stockOf(sku: string | null, waitUntilMs: number): Promise<SupplierStock> {
    if (askSupplier === null) return { outcome: 'not-configured' }
    if (sku === null) return { outcome: 'no-sku' }
    const late = Promise.withResolvers<SupplierStock>()
    const expire = () => late.resolve({ outcome: 'deadline' })
    const cancelTimeout = startTimeout(expire, Math.max(0, waitUntilMs - nowMs()))
    try {
      return await Promise.race([askSupplier(sku), late.promise])
    } finally {
      cancelTimeout()
    }
  }

  return async (productId, seenVersion) => {
    const waitUntilMs = nowMs() + deadlineMs
    const { id, sku, stock, updatedAt } = await findProduct(productId, seenVersion)
    const live = await stockOf(sku, waitUntilMs)
    onFound(live.outcome)
    return live.outcome === 'live'
      ? { productId: id, sku, available: live.available, source: 'live', asOf: live.asOf }
      : { productId: id, sku, available: stock, source: 'catalogue', asOf: updatedAt }
  }
}
