/** What has happened to one product. */
export interface Change {
  type: 'upsert' | 'delete'
  /** The id of the product, in hexadecimal digits. */
  id: string
  sku: string | null
}

const ID_LENGTH = 32
const signs = { upsert: '+', delete: '-' } as const

/** A line for each change: a sign, the id, and the sku if there is one, which is never empty. */
export function encodeChanges(changes: readonly Change[]): string {
  return changes.map(({ type, id, sku }) => `${signs[type]}${id}${sku ?? ''}`).join('\n')
}

/** Reads what `encodeChanges` has written. */
export function decodeChanges(entries: string): Change[] {
  return entries.split('\n').map((line) => ({
    type: line.startsWith(signs.delete) ? 'delete' : 'upsert',
    id: line.slice(1, 1 + ID_LENGTH),
    sku: line.slice(1 + ID_LENGTH) || null
  }))
}
