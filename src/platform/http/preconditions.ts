import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../errors/app-error.ts'

/** The header fields of a request that say in which state a resource must be for it to be written. */
export type Preconditions = Pick<IncomingHttpHeaders, 'if-match' | 'if-none-match'>

const TAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"'
const TAGS = new RegExp(TAG, 'g')
const LIST = new RegExp(`^[\\s,]*${TAG}(?:\\s*,[\\s,]*${TAG})*[\\s,]*$`)
const ANY = '*'

/**
 * Refuses to write what is not as the client has last seen it (RFC 9110, 13.1). A condition that cannot be read does not
 * hold: whoever has sent it does not mean to write in any case.
 * @param etag of the resource, a strong one; null when there is none
 * @throws {AppError} `precondition-failed`
 */
export function requirePreconditions(conditions: Preconditions, etag: string | null): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = conditions
  if (match !== undefined && !isMatch(match, etag)) {
    throw new AppError('precondition-failed', 'The resource is not, or no longer, in a state that If-Match names.')
  }
  if (noneMatch !== undefined && !isNoMatch(noneMatch, etag)) {
    throw new AppError('precondition-failed', 'The resource is in a state that If-None-Match excludes.')
  }
}

/** By strong comparison: a weak tag matches nothing. */
function isMatch(field: string, etag: string | null): boolean {
  if (etag === null) return false
  return field.trim() === ANY || (tagsOf(field)?.includes(etag) ?? false)
}

/** By weak comparison. */
function isNoMatch(field: string, etag: string | null): boolean {
  if (field.trim() === ANY) return etag === null
  const tags = tagsOf(field)
  return tags !== null && !tags.some((tag) => tag.replace(/^W\//, '') === etag)
}

/** Null when it is no list of tags. */
function tagsOf(field: string): string[] | null {
  return LIST.test(field) ? field.match(TAGS) : null
}
