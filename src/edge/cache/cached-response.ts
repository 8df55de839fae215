import { hash } from 'node:crypto'
import type { SortRange } from '../../catalogue/listing/read/page-changes.ts'

/** A successful answer in JSON as ready bytes, with the header fields that belong to it. */
export interface CachedResponse {
  readonly body: Buffer
  /** The entity tag, quotation marks included. A weak one stands for the body in any content coding. */
  readonly etag: string
  /** RFC 8288, where there are related pages. */
  readonly link?: string
  /** As HTTP writes dates. */
  readonly lastModified?: string
  /** The sort values between which the rows of a page lie ; undefined for what has no such range. */
  readonly sortRange?: SortRange
}

/** The weak entity tag of a body: the same bytes have the same tag, on every instance. */
export function weakEtag(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 22)}"`
}
