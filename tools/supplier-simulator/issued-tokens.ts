import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Reply } from './faults.ts'

export interface IssuedTokensOptions {
  clientId: string
  clientSecret: string
  tokenSeconds: number
  /** `expires_in` where it is not to be the truth; null: none. */
  statedSeconds?: unknown
  nowMs: () => number
}

/** The tokens that a supplier has issued. */
export interface IssuedTokens {
  /** Answers a request of the client credentials grant (RFC 6749, 4.4). */
  issue(authorization: string | undefined, form: URLSearchParams): Reply
  /** Whether a request carries a token that holds; undefined where it does. */
  refuse(request: IncomingMessage): Reply | undefined
  /** Ends the token of a request, or all. */
  revoke(authorization?: string): void
  /** How many requests carried a token that does not hold. */
  readonly refused: number
}

const INVALID_CLIENT: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="supplier"' },
  body: { error: 'invalid_client', error_description: 'The client is not known, or has another secret.' }
}
const INVALID_TOKEN: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  body: { error: 'invalid_token' }
}
const PREFIX = 'Bearer '

export function issuedTokens(options: IssuedTokensOptions): IssuedTokens {
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

/** RFC 6749, 2.3.1: each of the two is form-encoded first. */
function basicCredentials(authorization: string | undefined): string[] | undefined {
  if (!authorization?.startsWith('Basic ')) return undefined
  const text = Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
  return text.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x') ?? '')
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
