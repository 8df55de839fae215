import type { IncomingHttpHeaders } from 'node:http'
import type { RefusalReason } from './access-error.ts'
import { isWellFormed } from './key-format.ts'

/** What a request says about who sends it. */
export type Presented = { key: string; refusal: null } | { key: null; refusal: RefusalReason | null }

const NOTHING: Presented = { key: null, refusal: null }
/** The scheme has no case (RFC 9110). */
const BEARER = /^Bearer +(\S+)$/i

/**
 * Reads the key from `X-API-Key` or `Authorization: Bearer`; the same one may be in both. Whoever sends anything there is
 * not taken for nobody: an empty field, another scheme and what is no key are refused. So is an X-API-Key that came twice,
 * of which Node makes one text; of two Authorization it takes the first.
 */
export function presentedKey({ 'x-api-key': field, authorization }: IncomingHttpHeaders): Presented {
  if (field === undefined && authorization === undefined) return NOTHING
  const bearer = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
  if (authorization !== undefined && bearer === undefined) return refused('scheme')
  if (field !== undefined && bearer !== undefined && field !== bearer) return refused('conflict')
  const key = String(field ?? bearer)
  return isWellFormed(key) ? { key, refusal: null } : refused('malformed')
}

function refused(refusal: RefusalReason): Presented {
  return { key: null, refusal }
}
