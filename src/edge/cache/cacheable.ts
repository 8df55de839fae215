import type { Change } from '../../catalogue/change-log/change.ts'
import type { CachedResponse } from './cached-response.ts'

/** What is asked for, and how to come by it. */
export interface Cacheable {
  /** Of a fixed form: no text of a client reaches another entry, or the keys of anything else. */
  key: string
  /** The product that the answer shows, in hexadecimal digits; null where it shows many. */
  productId: string | null
  /** Tells which changes of products may change an answer. It is not asked about answers of a single product. */
  affectedBy: (answer: CachedResponse) => (change: Change) => boolean
  ttlMs: number
  load: () => Promise<CachedResponse>
}

/** Lists and whatever else shows many products have keys of another form. */
export function productKey(productId: string): string {
  return `product:${productId}`
}
