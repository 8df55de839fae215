import type { Scope } from '../../../schemas/scopes.ts'

/**
 * Who may use a route. `open`: anyone, and nobody looks at keys; `public-read`: anyone while reading is public, else any
 * key; `any-key`; or the keys with a scope. None asks for `products:read`: every key may read.
 */
export type Access = 'open' | 'public-read' | 'any-key' | Exclude<Scope, 'products:read'>

/** What a request needs: nothing, any valid key, or one with this scope. */
export type Need = 'nothing' | 'key' | Scope

/** @param access undefined where there is no route: that is told to anyone */
export function needOf(access: Access | undefined, isReadingPublic: boolean): Need {
  if (access === undefined || access === 'open') return 'nothing'
  if (access === 'public-read') return isReadingPublic ? 'nothing' : 'key'
  return access === 'any-key' ? 'key' : access
}
