import { hash } from 'node:crypto'
import { validateHeaderValue } from 'node:http'
import type { Change } from '../../catalogue/change-log/product-changes.ts'
import type { SortRange } from '../../catalogue/listing/read/list-products.ts'
import { type ContentCoding, encodeBody, hasCodings } from '../../platform/http/content-coding.ts'
import { createHeaderBlock, type HeaderBlock } from '../../platform/http/header-fields.ts'

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

/** A response in one content coding, ready to be sent. */
export interface EncodedResponse {
  readonly body: Buffer
  /** The header fields of a 200 and of a 304. */
  readonly headers: HeaderBlock
  /** The header fields that describe the body: of a 200 only. */
  readonly contentHeaders: HeaderBlock
}

/** A response in each content coding in which it was asked for. */
export type EncodedResponses = Partial<Record<ContentCoding, EncodedResponse>>

/** Gets a response ready to be sent, once for all clients that ask for the same coding at the same time. */
export type EncodeResponse = (response: CachedResponse, coding: ContentCoding) => Promise<EncodedResponse>

/** Clients and shared caches must revalidate each time, and mostly get a 304: that is how they stay current. */
const CACHE_CONTROL = { public: 'public, no-cache', private: 'private, no-cache' }

/**
 * Creates the function that gets responses ready to be sent.
 * @param constant header fields that are the same on every response
 * @param isPublic whether shared caches may store responses
 */
export function createResponseEncoder(constant: Readonly<Record<string, string>>, isPublic: boolean): EncodeResponse {
  const cacheControl = isPublic ? CACHE_CONTROL.public : CACHE_CONTROL.private
  const { vary, ...others } = constant
  const constantFields = Object.entries(others).flat()
  const encodings = new WeakMap<CachedResponse, Partial<Record<ContentCoding, Promise<EncodedResponse>>>>()

  async function encode(response: CachedResponse, coding: ContentCoding): Promise<EncodedResponse> {
    const { etag, link, lastModified } = response
    const body = await encodeBody(response.body, coding)
    const varied = [...(hasCodings(response) ? ['Accept-Encoding'] : []), ...(vary === undefined ? [] : [vary])]
    const fields = [
      ...constantFields,
      ...['cache-control', cacheControl],
      ...['etag', etag],
      ...(varied.length > 0 ? ['vary', varied.join(', ')] : []),
      ...(link === undefined ? [] : ['link', link]),
      ...(lastModified === undefined ? [] : ['last-modified', lastModified])
    ]
    const contentFields = [
      ...['content-type', 'application/json; charset=utf-8'],
      ...['content-length', String(body.length)],
      ...(coding === 'identity' ? [] : ['content-encoding', coding])
    ]
    for (let at = 0; at < fields.length; at += 2) validateHeaderValue(fields[at] ?? '', fields[at + 1] ?? '')
    return { body, headers: createHeaderBlock(fields), contentHeaders: createHeaderBlock(contentFields) }
  }

  return (response, coding) => {
    const codings = encodings.get(response) ?? {}
    encodings.set(response, codings)
    codings[coding] ??= encode(response, coding)
    return codings[coding]
  }
}
