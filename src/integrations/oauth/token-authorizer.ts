import type { Authorizer } from '../upstream/authorizer.ts'
import type { TokenManager } from './token-manager.ts'

const PREFIX = 'Bearer '

/** Authorizes calls with bearer tokens (RFC 6750). */
export function createTokenAuthorizer({ get, invalidate }: Pick<TokenManager, 'get' | 'invalidate'>): Authorizer {
  return {
    headers: async (signal) => ({ authorization: PREFIX + (await get(signal)) }),

    async rejected({ authorization }) {
      if (authorization?.startsWith(PREFIX)) await invalidate(authorization.slice(PREFIX.length))
    }
  }
}
