/** What decides in which lists a product stands, and where. Times are RFC 3339. */
export interface ListingKey {
  name: string
  category: string | null
  price: number
  createdAt: string
  updatedAt: string
}

/** What has happened to one product. */
export interface Change {
  type: 'upsert' | 'delete'
  /** The id of the product, in hexadecimal digits. */
  id: string
  sku: string | null
  /** Where it stood before and stands now, null where it was or is not there. Not there where nobody has noted it. */
  standings?: ListingKeys
}

export type ListingKeys = readonly [before: ListingKey | null, after: ListingKey | null]

const ID_LENGTH = 32
const signs = { upsert: '+', delete: '-' } as const

/**
 * A line for each change: a sign, the id, and the sku if there is one, which is never empty; then, after a tab, the
 * standings if they are known, in JSON.
 */
export function encodeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ type, id, sku, standings }) => {
      const line = `${signs[type]}${id}${sku ?? ''}`
      return standings === undefined ? line : `${line}\t${JSON.stringify(standings.map(toList))}`
    })
    .join('\n')
}

/** Reads what `encodeChanges` has written. */
export function decodeChanges(entries: string): Change[] {
  return entries.split('\n').map((line) => {
    const [start = '', standings] = line.split('\t', 2)
    const change = {
      type: start.startsWith(signs.delete) ? ('delete' as const) : ('upsert' as const),
      id: start.slice(1, 1 + ID_LENGTH),
      sku: start.slice(1 + ID_LENGTH) || null
    }
    return standings === undefined ? change : { ...change, standings: JSON.parse(standings).map(fromList) }
  })
}

type StandingList = [name: string, category: string | null, price: number, createdAt: string, updatedAt: string]

function toList(standing: ListingKey | null): StandingList | null {
  return standing && [standing.name, standing.category, standing.price, standing.createdAt, standing.updatedAt]
}

function fromList(list: StandingList | null): ListingKey | null {
  if (list === null) return null
  const [name, category, price, createdAt, updatedAt] = list
  return { name, category, price, createdAt, updatedAt }
}
