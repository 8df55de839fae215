import type { ListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import { count, type Tally } from '../load/tally.ts'

/** Describes the statements of a response in their order, for example `walk ×3, FULLTEXT`. */
export function describePlan(statements: readonly string[], query: ListQuery): string {
  const kinds: Tally = new Map()
  for (const sql of statements) count(kinds, kindOf(sql, query))
  kinds.delete(PLACE)
  // A response without statements came from the sample of the catalogue.
  if (kinds.size === 0) return 'sample'
  return [...kinds].map(([kind, times]) => (times === 1 ? kind : `${kind} ×${times}`)).join(', ')
}

/** A statement that computes the weight string of a name, and reads no table. */
const PLACE = 'place'

function kindOf(sql: string, { sort }: ListQuery): string {
  if (sql.includes('WEIGHT_STRING(CAST')) return PLACE
  const isCount = sql.includes('COUNT(*)')
  if (sql.includes('MATCH (')) return isCount ? 'FULLTEXT count' : 'FULLTEXT'
  if (isCount) return 'count'
  return sort.key !== 'price' && /FORCE INDEX \(products_(category_)?price\)/.test(sql) ? 'prices' : 'walk'
}
