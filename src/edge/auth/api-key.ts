import { SCOPES, type Scope } from '../../../schemas/scopes.ts'
import type { Limit } from '../rate-limit/limiter.ts'

/** A valid API key, as far as requests need to know it. The key itself is nowhere. */
export interface ApiKey {
  /** A UUID, for logs and for `npm run keys -- revoke`. */
  readonly id: string
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** How many requests in how long; null for those that hold for everybody. */
  readonly limit: Limit | null
}

export function isScope(name: string): name is Scope {
  return (SCOPES as readonly string[]).includes(name)
}
