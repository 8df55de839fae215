import type { Static } from '@sinclair/typebox'
import { StringEnum } from './types.ts'

export const SCOPES = ['products:read', 'products:write', 'webhooks:admin', 'ops:read'] as const

export const Scope = StringEnum(SCOPES, { description: 'What an API key may do. Every key may read.' })
export type Scope = Static<typeof Scope>
