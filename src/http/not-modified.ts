import type { IncomingHttpHeaders } from 'node:http'
import fresh from 'fresh'
import type { Answer } from './answer.ts'

/** Whether the client has this answer already, by `If-None-Match` or `If-Modified-Since` (RFC 9110, 13.2.2). */
export function isNotModified(headers: IncomingHttpHeaders, { etag, lastModified }: Answer): boolean {
  const noneMatch = headers['if-none-match']
  if (noneMatch === undefined && headers['if-modified-since'] === undefined) return false
  return fresh(headers, { etag, 'last-modified': lastModified })
}
