import { randomBytes } from 'node:crypto'
import type { Connection } from 'mysql2/promise'
import { generateKey } from '../../../../src/edge/auth/key-format.ts'
import { createKey, type NewKey } from '../../../../src/edge/auth/manage-keys.ts'

/** Makes a key as the command does. */
export function makeKey(connection: Connection, fields: Partial<NewKey> = {}): Promise<{ id: string; key: string }> {
  const newKey: NewKey = { name: 'shop', scopes: ['products:read'], limit: null, ...fields }
  return createKey(connection, newKey, { nowMs: Date.now, randomBytes })
}

/** A key of the right form that nobody has, another one each time. */
export function unknownKey(): string {
  return generateKey(randomBytes)
}
