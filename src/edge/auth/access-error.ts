import { AppError } from '../../platform/errors/app-error.ts'
import type { Need } from './access.ts'
import type { ApiKey } from './api-key.ts'

/** Why a request is not served, as its client is told. */
export type RefusalReason = keyof typeof refusals

/** Challenges as in RFC 6750: one who sent no key is told no error. */
const CHALLENGE = 'Bearer'
const INVALID = 'Bearer error="invalid_token"'

const refusals = {
  missing: (need) => {
    const scope = need === 'nothing' || need === 'key' ? undefined : need
    const which = scope === undefined ? 'An API key' : `An API key with the scope ${scope}`
    const challenge = scope === undefined ? CHALLENGE : `${CHALLENGE} scope="${scope}"`
    return unauthorized(`${which} is required here: in X-API-Key, or in Authorization as a bearer token.`, challenge)
  },
  scheme: () => unauthorized('Authorization takes an API key as a bearer token, and nothing else.', INVALID),
  conflict: () => unauthorized('X-API-Key and Authorization do not hold the same key. Send one of them.', INVALID),
  malformed: () => unauthorized('This is no API key: a character is wrong, missing or too many.', INVALID),
  unknown: () => unauthorized('There is no such API key, or it was revoked.', INVALID),
  scope: (need) =>
    new AppError('forbidden', `The API key does not have the scope ${need}.`, {
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${need}"` }
    }),
  url: () =>
    new AppError(
      'key-in-url',
      'An API key belongs in X-API-Key, or in Authorization as a bearer token. URLs are seen by others: replace this key.'
    )
} satisfies Record<string, (need: Need) => AppError>

/** The 401, 403 or 400 of a reason. */
export function toAccessError(reason: RefusalReason, need: Need): AppError {
  return refusals[reason](need)
}

/** Why a request may not go on with the valid key that it has, or without one; null when it may. */
export function findRefusal(need: Need, key: ApiKey | null): RefusalReason | null {
  if (need === 'nothing') return null
  if (key === null) return 'missing'
  return need === 'key' || key.scopes.has(need) ? null : 'scope'
}

function unauthorized(detail: string, challenge = CHALLENGE): AppError {
  return new AppError('unauthorized', detail, { headers: { 'www-authenticate': challenge } })
}
