import type { IncomingHttpHeaders } from 'node:http'
import fresh from 'fresh'
import { AppError } from '../errors/app-error.ts'

/** The validators of a response, which tell one state of a resource from another (RFC 9110, 8.8). */
interface Validators {
  readonly etag: string
  /** As HTTP writes dates. */
  readonly lastModified?: string
}

/** The request header fields that make a write conditional on the state of the resource. */
export type Preconditions = Pick<IncomingHttpHeaders, 'if-match' | 'if-none-match'>

const TAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"'
const TAGS = new RegExp(TAG, 'g')
const LIST = new RegExp(`^[\\s,]*${TAG}(?:\\s*,[\\s,]*${TAG})*[\\s,]*$`)
const ANY = '*'

/**
 * Decides whether a client has a response already, so that a 304 will do: by `If-None-Match`, or without that by
 * `If-Modified-Since` (RFC 9110, 13.2.2).
 */
export function isNotModified(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const noneMatch = headers['if-none-match']
  const isConditional = noneMatch === undefined ? isHttpDate(headers['if-modified-since']) : noneMatch !== ''
  return isConditional && fresh(headers, { etag, 'last-modified': lastModified })
}

/** The package would take any text that JavaScript can parse as a date, even a year. */
function isHttpDate(text: string | undefined): boolean {
  return text !== undefined && new Date(text).toUTCString() === text
}

/**
 * Refuses to write a resource that is not in the state that the client expects (RFC 9110, 13.1). A condition that cannot
 * be parsed does not hold, because its client does not want to write unconditionally.
 * @param etag the strong entity tag of the resource; null when the resource does not exist
 * @throws {AppError} `precondition-failed`
 */
export function requirePreconditions(conditions: Preconditions, etag: string | null): void {
  const { 'if-match': match, 'if-none-match': noneMatch } = conditions
  if (match !== undefined && !isMatch(match, etag)) {
    throw new AppError('precondition-failed', 'If-Match does not name the current state of the resource.')
  }
  if (noneMatch !== undefined && !isNoMatch(noneMatch, etag)) {
    throw new AppError('precondition-failed', 'If-None-Match excludes the current state of the resource.')
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

/** Null when the field is not a list of tags. */
function tagsOf(field: string): string[] | null {
  return LIST.test(field) ? field.match(TAGS) : null
}
