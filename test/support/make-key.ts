import { randomBytes } from 'node:crypto'
import type { Connection } from 'mysql2/promise'
import { createKey, type NewKey } from '../../src/edge/auth/create-and-revoke-keys.ts'
import { generateKey } from '../../src/edge/auth/key-format.ts'

/** Makes a key as the command does. */
export function makeKey(connection: Connection, fields: Partial<NewKey> = {}): Promise<{ id: string; key: string }> {
  const newKey: NewKey = { name: 'shop', scopes: ['products:read'], limit: null, ...fields }
  return createKey(connection, newKey, { nowMs: Date.now, randomBytes })
}

/** A key of the right form that nobody has, another one each time. */
export function unknownKey(): string {
  return generateKey(randomBytes)
}
