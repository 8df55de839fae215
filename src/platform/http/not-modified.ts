import type { IncomingHttpHeaders } from 'node:http'
import fresh from 'fresh'

/** What tells one state of a resource from another (RFC 9110, 8.8). */
interface Validators {
  readonly etag: string
  readonly lastModified?: string
}

/** Whether the client has this answer already, by `If-None-Match` or `If-Modified-Since` (RFC 9110, 13.2.2). */
export function isNotModified(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const noneMatch = headers['if-none-match']
  const isConditional = noneMatch === undefined ? isDate(headers['if-modified-since']) : noneMatch !== ''
  return isConditional && fresh(headers, { etag, 'last-modified': lastModified })
}

/** As HTTP writes dates today. The package takes for one whatever JavaScript does, a bare year too. */
function isDate(text: string | undefined): boolean {
  return text !== undefined && new Date(text).toUTCString() === text
}
