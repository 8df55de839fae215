import { type Dispatcher, request } from 'undici'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'
import { parseRetryAfter } from '../upstream/retry-after.ts'
import { TokenError } from './token-error.ts'
import { usefulMsOf } from './token-lifetime.ts'

export interface IssuedToken {
  value: string
  /** For how long it is of use, from the moment before it was asked for. */
  usefulMs: number
}

/**
 * Asks the provider for a token.
 * @throws {TokenError} when there is none
 */
export type RequestToken = () => Promise<IssuedToken>

interface TokenProviderOptions {
  credentials: OAuthCredentials
  /** Bounds the size of an answer by its `maxResponseSize`. */
  dispatcher: Dispatcher
  /** For the request as a whole, from connecting to the last byte. */
  timeoutMs: number
}

/** What an agent for the provider is to bound answers to. */
export const MAX_ANSWER_BYTES = 65_536
const MAX_RETRY_AFTER_MS = 60_000
/** What a header field can carry. What is in it is for others to know. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/
/** RFC 6749, 5.2. What else an answer says may repeat what was sent. */
const ERRORS = [
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'],
  ...['unsupported_grant_type', 'invalid_scope']
]

/** Requests to an OAuth 2.0 token endpoint with the client credentials grant. Redirects are not followed. */
export function createTokenProvider({ credentials, dispatcher, timeoutMs }: TokenProviderOptions): RequestToken {
  const { url, headers, body } = describeRequest(credentials)

  return async () => {
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await request(url, { method: 'POST', headers, body, dispatcher, signal })
      .then(async (response) => ({
        status: response.statusCode,
        retryAfter: response.headers['retry-after'],
        text: await response.body.text()
      }))
      .catch((error) => {
        throw new TokenError('unavailable', signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error))
      })
    const json = parse(answer.text)
    if (answer.status !== 200) throw refusal(answer.status, json.error, answer.retryAfter)
    const { access_token: value, token_type: type = 'bearer', expires_in: expiresIn } = json
    if (typeof value !== 'string' || !TOKEN.test(value)) throw malformed('without a token')
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw malformed('with a token that is not a bearer token')
    return { value, usefulMs: usefulMsOf(expiresIn) }
  }
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

function parse(text: string): Record<string, unknown> {
  try {
    const json = JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    // What it lacks is told by whoever looks for it.
    return {}
  }
}

function refusal(status: number, error: unknown, retryAfter: string | string[] | undefined): TokenError {
  const known = ERRORS.find((name) => name === error)
  const isTransient = status >= 500 || status === 429 || status === 408
  const detail = `the provider answers ${status}${known === undefined ? '' : ` ${known}`}`
  const retryAfterMs = parseRetryAfter(retryAfter, Date.now(), MAX_RETRY_AFTER_MS)
  return new TokenError(isTransient ? 'unavailable' : 'refused', detail, retryAfterMs)
}

function malformed(detail: string): TokenError {
  return new TokenError('unavailable', `the provider answers ${detail}`)
}

/** The code of a fault of the network; its message may tell more than we want to. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'the request failed'
}
