import { type Dispatcher, request } from 'undici'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { parseRetryAfter } from '../upstream/retry-after.ts'

/** `refused`: the provider rejects our credentials or our request. `unavailable`: it does not respond as it should. */
export type TokenFailure = 'refused' | 'unavailable'

/** There is no access token. The message names the reason, and holds no text of the provider except codes of RFC 6749. */
export class TokenError extends AppError {
  readonly kind: TokenFailure
  /** How long the provider asks to be left alone, in ms, if it does. */
  readonly retryAfterMs: number | undefined

  constructor(kind: TokenFailure, detail: string, retryAfterMs?: number) {
    super('upstream-unavailable', `There is no access token: ${detail}.`)
    this.name = 'TokenError'
    this.kind = kind
    this.retryAfterMs = retryAfterMs
  }
}

/** A new token. */
export interface IssuedToken {
  value: string
  /** How long the token may be used, counted from the moment before it was requested. */
  usefulMs: number
}

/**
 * Requests a token from the provider.
 * @throws {TokenError}
 */
export type RequestToken = () => Promise<IssuedToken>

interface TokenProviderOptions {
  credentials: OAuthCredentials
  /** Its `maxResponseSize` limits the size of a response. */
  dispatcher: Dispatcher
  /** The time for a request as a whole, from connecting to the last byte. */
  timeoutMs: number
}

/** The `maxResponseSize` for the dispatcher of a token provider, in bytes. */
export const MAX_TOKEN_RESPONSE_BYTES = 65_536
const MAX_RETRY_AFTER_MS = 60_000
/** What a header field can carry. The content of a token is opaque to a client. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/
/** RFC 6749, 5.2. Any other text of an error response may repeat what was sent, so it is not used. */
const ERROR_CODES = [
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'],
  ...['unsupported_grant_type', 'invalid_scope']
]
const DEFAULT_SECONDS = 300
const MIN_SECONDS = 1
const MAX_SECONDS = 86_400
/** A token is not used up to its end: it has to arrive first, and clocks differ. */
const MARGIN_MS = 30_000
const MARGIN_SHARE = 0.1

/** Makes a function that requests tokens with the OAuth 2.0 client credentials grant. Redirects are not followed. */
export function createTokenProvider({ credentials, dispatcher, timeoutMs }: TokenProviderOptions): RequestToken {
  const { url, headers, body } = describeRequest(credentials)

  return async () => {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await request(url, { method: 'POST', headers, body, dispatcher, signal })
      .then(async ({ statusCode: status, headers, body }) => {
        return { status, retryAfter: headers['retry-after'], text: await body.text() }
      })
      .catch((error) => {
        throw new TokenError('unavailable', signal.aborted ? `no response within ${timeoutMs} ms` : codeOf(error))
      })
    const json = parseObject(response.text)
    if (response.status !== 200) throw refusal(response.status, json.error, response.retryAfter)
    const { access_token: value, token_type: type = 'bearer', expires_in: expiresIn } = json
    if (typeof value !== 'string' || !TOKEN.test(value)) throw malformed('without a token')
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw malformed('with a token that is not a bearer token')
    return { value, usefulMs: usefulMsOf(expiresIn) }
  }
}

/**
 * Computes how long a token may be used from its `expires_in` (RFC 6749, 5.1): its lifetime less 30 s, or less a tenth of
 * a short one. The lifetime is limited to 1 s to 24 h, and 300 s when it is missing or not a positive number: some
 * providers send 0 for a token that does not expire, and a token that has expired is recognised by a 401.
 * @returns ms
 */
export function usefulMsOf(expiresIn: unknown): number {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn
  const isLifetime = typeof seconds === 'number' && seconds > 0
  const lifetimeMs = 1000 * (isLifetime ? Math.min(Math.max(seconds, MIN_SECONDS), MAX_SECONDS) : DEFAULT_SECONDS)
  return Math.floor(lifetimeMs - Math.min(MARGIN_MS, lifetimeMs * MARGIN_SHARE))
}

function describeRequest({ tokenUrl, clientId, clientSecret, scope, audience, clientAuth }: OAuthCredentials) {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded'
  }
  if (clientAuth === 'basic') {
    const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`
  } else {
    form.set('client_id', clientId)
    form.set('client_secret', clientSecret)
  }
  return { url: tokenUrl, headers, body: form.toString() }
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Returns an empty object for anything but a JSON object: the caller finds out which member is missing. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const json = JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    return {}
  }
}

function refusal(status: number, error: unknown, retryAfter: string | string[] | undefined): TokenError {
  const code = ERROR_CODES.find((known) => known === error)
  const isTransient = status >= 500 || status === 429 || status === 408
  const detail = `the provider responded with ${status}${code === undefined ? '' : ` ${code}`}`
  const retryAfterMs = parseRetryAfter(retryAfter, Date.now(), MAX_RETRY_AFTER_MS)
  return new TokenError(isTransient ? 'unavailable' : 'refused', detail, retryAfterMs)
}

function malformed(detail: string): TokenError {
  return new TokenError('unavailable', `the provider responded ${detail}`)
}

/** The code of a network error. The message of one may quote what was sent. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'the request failed'
}
