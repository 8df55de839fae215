import type { AskSupplier, SupplierStock, Unknown } from './supplier-stock.ts'

interface RecentStockOptions {
  ask: AskSupplier
  /** Monotonic. */
  nowMs: () => number
}

interface Recent {
  stock: Promise<SupplierStock>
  /** Not before it has come. */
  expiresAtMs: number
}

/** Short for a shop, long for a supplier that all of a shop's visitors ask about one product. */
const KEEP_MS = 2000
const MAX_SKUS = 10_000
/** Nothing was sent: the next one may be. */
const UNASKED: readonly (Unknown | 'live')[] = ['open', 'busy']

/**
 * Asks once for a sku however many want to know, and keeps what came of it for two seconds, also that nothing did: of a
 * supplier that is slow for one sku alone only one caller waits at a time.
 */
export function createRecentStock({ ask, nowMs }: RecentStockOptions): AskSupplier {
  const recents = new Map<string, Recent>()

  function begin(sku: string): Promise<SupplierStock> {
    const recent: Recent = { stock: ask(sku), expiresAtMs: Number.POSITIVE_INFINITY }
    recents.delete(sku)
    recents.set(sku, recent)
    const [oldest] = recents.keys()
    if (recents.size > MAX_SKUS && oldest !== undefined) recents.delete(oldest)

    const forget = () => {
      if (recents.get(sku) === recent) recents.delete(sku)
    }
    recent.stock.then(({ outcome }) => {
      if (UNASKED.includes(outcome)) forget()
      else recent.expiresAtMs = nowMs() + KEEP_MS
    }, forget)
    return recent.stock
  }

  return (sku) => {
    const recent = recents.get(sku)
    return recent !== undefined && nowMs() < recent.expiresAtMs ? recent.stock : begin(sku)
  }
}
