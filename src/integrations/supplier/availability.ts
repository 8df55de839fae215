import type { Availability } from '../../../schemas/availability.ts'
import type { Product } from '../../../schemas/products.ts'
import { type StartTimeout, startTimeout, withTimeLimit } from '../../platform/lib/time-limit.ts'
import type { AskSupplier, SupplierStock } from './supplier-stock.ts'

/**
 * Finds the stock of a product: that of the supplier, or that of the catalogue when the supplier does not answer in time.
 * @param seenVersion the version of the change log that the caller needs to see
 * @throws what reading the product throws
 */
export type FindAvailability = (productId: string, seenVersion: number) => Promise<Availability>

interface FindAvailabilityOptions {
  findProduct: (id: string, seenVersion: number) => Promise<Product>
  /** Null when no supplier is configured. */
  askSupplier: AskSupplier | null
  /** The time for everything: the supplier gets what reading the product leaves. */
  deadlineMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  startTimeout?: StartTimeout
  /** Called for every answer: `live`, or why the supplier's stock is not known. */
  onFound: (outcome: SupplierStock['outcome']) => void
}

/** Makes a function that finds the stock of products. */
export function createAvailabilityFinder(options: FindAvailabilityOptions): FindAvailability {
  const { findProduct, askSupplier, deadlineMs, nowMs, onFound } = options

  async function findLiveStock(sku: string | null, leftMs: number): Promise<SupplierStock> {
    if (askSupplier === null) return { outcome: 'not-configured' }
    if (sku === null) return { outcome: 'no-sku' }
    const onTimeout = (): SupplierStock => ({ outcome: 'deadline' })
    return await withTimeLimit(askSupplier(sku), Math.max(0, leftMs), onTimeout, options.startTimeout ?? startTimeout)
  }

  return async (productId, seenVersion) => {
    const deadlineAtMs = nowMs() + deadlineMs
    const { id, sku, stock, updatedAt } = await findProduct(productId, seenVersion)
    const live = await findLiveStock(sku, deadlineAtMs - nowMs())
    onFound(live.outcome)
    return live.outcome === 'live'
      ? { productId: id, sku, available: live.available, source: 'live', asOf: live.asOf }
      : { productId: id, sku, available: stock, source: 'catalogue', asOf: updatedAt }
  }
}
