import { hash } from 'node:crypto'
import type { Change } from '../../catalogue/change-log/product-changes.ts'
import type { SortRange } from '../../catalogue/listing/read/list-products.ts'

/** A successful JSON response as ready bytes, with the header fields that belong to it. */
export interface CachedResponse {
  readonly body: Buffer
  /** The entity tag, quotation marks included. A weak one stands for the body in any content coding. */
  readonly etag: string
  /** The `Link` field (RFC 8288), if there are related pages. */
  readonly link?: string
  /** The `Last-Modified` field. */
  readonly lastModified?: string
  /** For a page of a list: the range of sort values that its rows lie in. */
  readonly sortRange?: SortRange
}

/** Something that can be cached, and how it is loaded. */
export interface Cacheable {
  /** The cache key. It has a fixed form, so no client text can reach another entry, or any other key. */
  key: string
  /** The id of the product that is shown, in hexadecimal digits; null if the response shows many products. */
  productId: string | null
  /** Makes a test for the changes that may affect a response. It is not used for responses of a single product. */
  affectedBy: (response: CachedResponse) => (change: Change) => boolean
  ttlMs: number
  load: () => Promise<CachedResponse>
}

/** Returns the cache key of a product. The keys of lists and of other responses with many products have another form. */
export function productKey(productId: string): string {
  return `product:${productId}`
}

/** Computes the weak entity tag of a body: the same bytes have the same tag on every instance. */
export function weakEtag(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 22)}"`
}
