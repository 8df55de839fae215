import { hash } from 'node:crypto'

/** A successful answer in JSON as ready bytes, with the header fields that belong to it. */
export interface CachedResponse {
  readonly body: Buffer
  /** The entity tag, quotation marks included. A weak one stands for the body in any content coding. */
  readonly etag: string
  /** RFC 8288, where there are related pages. */
  readonly link?: string
  /** As HTTP writes dates. */
  readonly lastModified?: string
  /** Of a page of a list: the sort values between which its rows lie, null where nothing bounds it. */
  readonly span?: readonly [lowest: string | null, highest: string | null]
}

/** The weak entity tag of a body: the same bytes have the same tag, on every instance. */
export function weakEtag(body: Buffer): string {
  return `W/"${hash('sha256', body, 'base64url').slice(0, 22)}"`
}
