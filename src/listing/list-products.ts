import type { Pagination, Product, ProductPage } from '../../schemas/products.ts'
import type { Database } from '../database/database.ts'
import { parseId } from '../database/uuid.ts'
import { encodeCursor } from './cursor.ts'
import type { ListQuery } from './list-query.ts'
import { listStatement } from './list-statement.ts'
import { pageSpan, type Span } from './page-span.ts'
import { type ProductRow, toProduct } from '../products/product-row.ts'
import type { Position } from './sort.ts'

/** A page, and between which sort values its rows lie. */
export interface ReadPage {
  page: ProductPage
  span: Span
}

/**
 * Answers one page of products.
 * @throws {AppError} when the database does not answer in time
 */
export async function listProducts(database: Database, query: ListQuery): Promise<ReadPage> {
  const { sql, params } = listStatement(query)
  const rows = await database.execute<ProductRow>(sql, params)
  const next = rows.length > query.limit ? rows.pop() : undefined
  if (query.from?.backward) rows.reverse()
  const data = rows.map(toProduct)
  const span = pageSpan(query, next === undefined ? null : toProduct(next)[query.sort.key])
  return { page: { data, pagination: pagination(query, data, next !== undefined) }, span }
}

/**
 * A cursor leads away from each end of the page at which the list goes on: in the direction of reading where there was
 * a row more, and back where the page was reached by a cursor.
 */
function pagination(query: ListQuery, data: readonly Product[], goesOn: boolean): Pagination {
  const { from, limit } = query
  const hasNext = from?.backward ? true : goesOn
  const hasPrevious = from?.backward ? goesOn : from !== null
  return {
    limit,
    hasMore: hasNext,
    nextCursor: hasNext ? encodeCursor(edge(query, data.at(-1), false), query.fingerprint) : null,
    prevCursor: hasPrevious ? encodeCursor(edge(query, data[0], true), query.fingerprint) : null
  }
}

/** The position at one end of the page; where the page is empty, the one it was reached by, itself included. */
function edge(query: ListQuery, product: Product | undefined, backward: boolean): Position {
  if (product !== undefined) {
    return { value: product[query.sort.key], id: parseId(product.id), inclusive: false, backward }
  }
  if (query.from === null) throw new Error('an empty first page has no edges')
  return {
    ...query.from,
    inclusive: query.from.backward !== backward ? !query.from.inclusive : query.from.inclusive,
    backward
  }
}
