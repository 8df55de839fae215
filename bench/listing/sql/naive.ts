import type { ListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import type { Statement } from '../../../src/catalogue/listing/read/statements.ts'
import { productColumns } from '../../../src/catalogue/products/product-row.ts'
import { type Condition, filters, fromClause, match, orderOf, page } from './clauses.ts'

/** Writes a search with the FULLTEXT index alone. */
export function naiveFullText(query: ListQuery): Statement {
  return page(query, null, [...filters(query), ...match(query)])
}

/**
 * Writes a search with LIKE.
 * @param search the words of the request
 */
export function naiveLike(query: ListQuery, search: string): Statement {
  const words = search.split(' ').map((word): Condition => {
    const pattern = `%${word}%`
    return ['(name LIKE ? OR description LIKE ?)', pattern, pattern]
  })
  return page(query, null, [...filters(query), ...words])
}

/** Writes a deep page with OFFSET. */
export function naiveOffset(query: ListQuery, offset: number): Statement {
  const { sql, params } = fromClause(null, filters(query))
  const order = orderOf({ ...query, from: null })
  return {
    sql: `SELECT ${productColumns} ${sql} ${order} LIMIT ? OFFSET ?`,
    params: [...params, String(query.limit + 1), String(offset)]
  }
}
