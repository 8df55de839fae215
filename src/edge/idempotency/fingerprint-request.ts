import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a request asks for, and under which conditions. */
export interface FingerprintedRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

/** The SHA-256 of a request. Requests that may mean different things have different ones. */
export function fingerprintRequest({ method, url, headers, body }: FingerprintedRequest): Buffer {
  const fields = ['content-type', 'if-match', 'if-none-match'].map((name) => headers[name] ?? null)
  return createHash('sha256')
    .update(`${JSON.stringify([method, url, ...fields])}\n`)
    .update(body)
    .digest()
}
