import type { IncomingHttpHeaders } from 'node:http'
import type { RefusalReason } from './access.ts'
import { isWellFormed } from './key-format.ts'

/** The well-formed key of a request; or none, and why the request is refused for what it sent instead. */
export type PresentedKey = { key: string; refusal: null } | { key: null; refusal: RefusalReason | null }

const NOTHING: PresentedKey = { key: null, refusal: null }
/** The scheme is case-insensitive (RFC 9110, section 11.1). */
const BEARER = /^Bearer +(\S+)$/i

/**
 * Reads the API key from `X-API-Key` or `Authorization: Bearer`; the same key may be in both. A request that sends anything
 * there is not anonymous: an empty field, another scheme, or a malformed key is refused. So is a repeated X-API-Key, which
 * Node joins into one text; of two Authorization fields Node takes the first.
 */
export function readPresentedKey({ 'x-api-key': field, authorization }: IncomingHttpHeaders): PresentedKey {
  if (field === undefined && authorization === undefined) return NOTHING
  const bearer = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
  if (authorization !== undefined && bearer === undefined) return refused('scheme')
  if (field !== undefined && bearer !== undefined && field !== bearer) return refused('conflict')
  const key = String(field ?? bearer)
  return isWellFormed(key) ? { key, refusal: null } : refused('malformed')
}

function refused(refusal: RefusalReason): PresentedKey {
  return { key: null, refusal }
}
