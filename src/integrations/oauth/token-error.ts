import { AppError } from '../../platform/errors/app-error.ts'

/** `refused`: the provider does not take our credentials or our request. `unavailable`: it does not answer as it should. */
export type TokenFailure = 'refused' | 'unavailable'

/** There is no access token. The message says why, and holds nothing that was sent or received but RFC 6749's own words. */
export class TokenError extends AppError {
  readonly kind: TokenFailure
  /** How long the provider wants to be left alone, where it has said so. */
  readonly retryAfterMs: number | undefined

  constructor(kind: TokenFailure, detail: string, retryAfterMs?: number) {
    super('upstream-unavailable', `There is no access token: ${detail}.`)
    this.name = 'TokenError'
    this.kind = kind
    this.retryAfterMs = retryAfterMs
  }
}
