import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Reply } from './faults.ts'

/** The client of a simulator, and the lifetime of its tokens. */
export interface IssuedTokensOptions {
  clientId: string
  clientSecret: string
  tokenSeconds: number
  /** The `expires_in` of responses, if it should not be `tokenSeconds`; null for none. */
  statedSeconds?: unknown
  /** Unix time, in ms; or any other clock for tokens alone. */
  nowMs: () => number
}

/** The tokens that a simulator has issued. */
export interface IssuedTokens {
  /** Answers a request of the client credentials grant (RFC 6749, 4.4). */
  issue(authorization: string | undefined, form: URLSearchParams): Reply
  /** Returns the refusal of a request without a valid token; undefined for a request with one. */
  refuse(request: IncomingMessage): Reply | undefined
  /** Revokes the token of a request, or all tokens. */
  revoke(authorization?: string): void
  /** How many requests had no valid token. */
  readonly refused: number
}

const INVALID_CLIENT: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="supplier"' },
  body: { error: 'invalid_client', error_description: 'Unknown client, or wrong secret.' }
}
const INVALID_TOKEN: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  body: { error: 'invalid_token' }
}
const PREFIX = 'Bearer '

/** Makes an empty set of issued tokens. */
export function createIssuedTokens(options: IssuedTokensOptions): IssuedTokens {
  const { clientId, clientSecret, tokenSeconds, statedSeconds = tokenSeconds, nowMs } = options
  const ends = new Map<string, number>()
  let refused = 0

  function issue(authorization: string | undefined, form: URLSearchParams): Reply {
    if (form.get('grant_type') !== 'client_credentials')
      return { status: 400, body: { error: 'unsupported_grant_type' } }
    const [id = '', secret = ''] = basicCredentials(authorization) ?? [
      form.get('client_id') ?? '',
      form.get('client_secret') ?? ''
    ]
    if (id !== clientId || !isSame(secret, clientSecret)) return INVALID_CLIENT
    for (const [token, endsAtMs] of ends) if (endsAtMs <= nowMs()) ends.delete(token)
    const token = randomBytes(32).toString('base64url')
    ends.set(token, nowMs() + tokenSeconds * 1000)
    const scope = form.get('scope')
    const body = {
      access_token: token,
      token_type: 'Bearer',
      ...(statedSeconds !== null && { expires_in: statedSeconds }),
      ...(scope !== null && { scope })
    }
    return { status: 200, headers: { 'cache-control': 'no-store' }, body }
  }

  return {
    issue,

    refuse({ headers: { authorization = '' } }) {
      if ((ends.get(authorization.slice(PREFIX.length)) ?? 0) > nowMs() && authorization.startsWith(PREFIX))
        return undefined
      refused++
      return INVALID_TOKEN
    },

    revoke(authorization) {
      if (authorization === undefined) ends.clear()
      else ends.delete(authorization.slice(PREFIX.length))
    },

    get refused() {
      return refused
    }
  }
}

/** Both parts are form-encoded before they are joined (RFC 6749, 2.3.1). */
function basicCredentials(authorization: string | undefined): string[] | undefined {
  if (!authorization?.startsWith('Basic ')) return undefined
  const text = Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
  return text.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x') ?? '')
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
