import type { IncomingHttpHeaders } from 'node:http'
import { SCOPES, type Scope } from '../../../schemas/scopes.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import { isWellFormed } from './key-format.ts'

/**
 * Who may use a route. `open`: anyone, and keys are not looked at; `public-read`: anyone while reading is public, otherwise
 * any key; `any-key`; or the keys with a scope. No route asks for `products:read`, because every key may read.
 */
export type Access = 'open' | 'public-read' | 'any-key' | Exclude<Scope, 'products:read'>

/** What a request needs in order to be served: nothing, any valid key, or a key with this scope. */
export type AccessNeed = 'nothing' | 'key' | Scope

/** A valid API key, as far as requests need to know it. The secret itself is not kept. */
export interface ApiKey {
  /** A UUID, for logs and for `npm run keys -- revoke`. */
  readonly id: string
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** The rate limit of this key; null for the default one. */
  readonly limit: Limit | null
}

/** Why a request is refused for its API key, or for having none. */
export type RefusalReason = keyof typeof REFUSALS

/** Challenges as in RFC 6750, section 3: a request without a key gets no error code. */
const CHALLENGE = 'Bearer'
const INVALID = 'Bearer error="invalid_token"'

const REFUSALS = {
  missing: (need) => {
    const scope = need === 'nothing' || need === 'key' ? undefined : need
    const which = scope === undefined ? 'An API key' : `An API key with the scope ${scope}`
    const challenge = scope === undefined ? CHALLENGE : `${CHALLENGE} scope="${scope}"`
    return unauthorized(`${which} is required: in X-API-Key, or in Authorization as a bearer token.`, challenge)
  },
  scheme: () => unauthorized('Authorization must hold an API key as a bearer token.', INVALID),
  conflict: () => unauthorized('X-API-Key and Authorization hold different keys. Send only one of them.', INVALID),
  malformed: () => unauthorized('This is not an API key: a character is wrong, missing or extra.', INVALID),
  unknown: () => unauthorized('There is no such API key, or it was revoked.', INVALID),
  scope: (need) =>
    new AppError('forbidden', `The API key does not have the scope ${need}.`, {
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${need}"` }
    }),
  url: () =>
    new AppError(
      'key-in-url',
      'An API key belongs in X-API-Key, or in Authorization as a bearer token. Others can see URLs: replace this key.'
    )
} satisfies Record<string, (need: AccessNeed) => AppError>

/** Checks that a name is that of a scope. */
export function isScope(name: string): name is Scope {
  return (SCOPES as readonly string[]).includes(name)
}

/**
 * Determines what a request needs on a route.
 * @param access undefined for a path without a route: anyone may learn that it does not exist
 */
export function needOf(access: Access | undefined, isReadingPublic: boolean): AccessNeed {
  if (access === undefined || access === 'open') return 'nothing'
  if (access === 'public-read') return isReadingPublic ? 'nothing' : 'key'
  return access === 'any-key' ? 'key' : access
}

/**
 * Decides whether a request may be served.
 * @param key the valid key of the request; null if it has none
 * @returns why it may not; null if it may
 */
export function authorise(need: AccessNeed, key: ApiKey | null): RefusalReason | null {
  if (need === 'nothing') return null
  if (key === null) return 'missing'
  return need === 'key' || key.scopes.has(need) ? null : 'scope'
}

/** Creates the 401, 403 or 400 for a reason. */
export function createAccessError(reason: RefusalReason, need: AccessNeed): AppError {
  return REFUSALS[reason](need)
}

function unauthorized(detail: string, challenge: string): AppError {
  return new AppError('unauthorized', detail, { headers: { 'www-authenticate': challenge } })
}

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
