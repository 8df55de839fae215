import type { Connection } from 'mysql2/promise'

/** The values of a product that decide in which lists it appears, and where. Times are RFC 3339. */
export interface ListingKey {
  name: string
  category: string | null
  price: number
  createdAt: string
  updatedAt: string
}

/** A change of one product, as the change log has it. */
export interface Change {
  type: 'upsert' | 'delete'
  /** The id of the product, 32 hexadecimal digits. */
  id: string
  sku: string | null
  /** What decided, and decides, in which lists the product appears; undefined when the writer did not log it. */
  listingKeys?: ListingKeys
}

/** The listing keys of a product before and after a change; null where it did not, or does not, exist. */
export type ListingKeys = readonly [before: ListingKey | null, after: ListingKey | null]

/** Small rows keep the statements of readers small. */
const CHANGES_PER_ROW = 500
const ID_LENGTH = 32
const signs = { upsert: '+', delete: '-' } as const

/**
 * Appends changes to the log. Call this in the transaction that makes them, after they are made: the changes of one product
 * then follow the order of its row lock.
 * @param changedAt a `DATETIME(3)` of the database, as text in UTC
 */
export async function logChanges(connection: Connection, changes: readonly Change[], changedAt: string): Promise<void> {
  for (let start = 0; start < changes.length; start += CHANGES_PER_ROW) {
    const entries = encodeChanges(changes.slice(start, start + CHANGES_PER_ROW))
    await connection.query('INSERT INTO product_changes (changed_at, entries) VALUES (?, ?)', [changedAt, entries])
  }
}

/**
 * Writes the entries of a row of the log, one line for each change: a sign, the id and the sku, if there is one, which is
 * never empty; then, if the listing keys are known, a tab and the keys in JSON.
 */
export function encodeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ type, id, sku, listingKeys }) => {
      const line = `${signs[type]}${id}${sku ?? ''}`
      return listingKeys === undefined ? line : `${line}\t${JSON.stringify(listingKeys.map(toTuple))}`
    })
    .join('\n')
}

/** Reads the entries of a row of the log, as `encodeChanges` writes them. */
export function decodeChanges(entries: string): Change[] {
  return entries.split('\n').map((line) => {
    const [start = '', listingKeys] = line.split('\t', 2)
    const change = {
      type: start.startsWith(signs.delete) ? ('delete' as const) : ('upsert' as const),
      id: start.slice(1, 1 + ID_LENGTH),
      sku: start.slice(1 + ID_LENGTH) || null
    }
    return listingKeys === undefined ? change : { ...change, listingKeys: JSON.parse(listingKeys).map(fromTuple) }
  })
}

type ListingKeyTuple = [name: string, category: string | null, price: number, createdAt: string, updatedAt: string]

function toTuple(key: ListingKey | null): ListingKeyTuple | null {
  return key && [key.name, key.category, key.price, key.createdAt, key.updatedAt]
}

function fromTuple(tuple: ListingKeyTuple | null): ListingKey | null {
  if (tuple === null) return null
  const [name, category, price, createdAt, updatedAt] = tuple
  return { name, category, price, createdAt, updatedAt }
}
