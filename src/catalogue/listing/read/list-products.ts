import type { Pagination, Product, ProductPage } from '../../../../schemas/products.ts'
import { parseId } from '../../../platform/lib/uuid.ts'
import { toProduct } from '../../products/product-row.ts'
import { encodeCursor } from '../query/cursor.ts'
import type { ListQuery } from '../query/list-query.ts'
import type { Position } from '../query/sort.ts'
import { countProducts, estimateTotal } from './count-products.ts'
import type { ListReader } from './list-reader.ts'
import { EVERYWHERE, pageSpan, type Span } from './page-span.ts'
import { readList } from './read-list.ts'

/** A page, and between which sort values its rows lie. */
export interface ReadPage {
  page: ProductPage
  span: Span
}

/**
 * Answers one page of products.
 * @throws {AppError} when the database does not answer in time
 */
export async function listProducts(reader: ListReader, query: ListQuery): Promise<ReadPage> {
  const { rows, stoppedAt } = await readList(reader, query, query.limit + 1)
  const read = rows.map(toProduct)
  const after = read.length > query.limit ? read.pop() : undefined
  const onward = after === undefined ? stoppedAt : positionAt(query, read.at(-1))
  const span = pageSpan(query, after?.[query.sort.key] ?? stoppedAt?.value ?? null)
  const data = query.from?.backward ? read.toReversed() : read
  const page = { data, pagination: pagination(query, onward, positionBack(query, read[0])) }
  if (query.total !== null) Object.assign(page.pagination, await totalOf(reader, query, page, after !== undefined))
  // A total changes with whatever changes in the list.
  return { page, span: query.total === null ? span : EVERYWHERE }
}

/** A page that is the whole list tells its total. */
async function totalOf(
  reader: ListReader,
  query: ListQuery,
  { data, pagination: { nextCursor, prevCursor } }: ProductPage,
  isOneMore: boolean
): Promise<Pick<Pagination, 'total' | 'totalIsExact'>> {
  if (nextCursor === null && prevCursor === null) return { total: data.length, totalIsExact: true }
  const count = query.total === 'exact' ? countProducts : estimateTotal
  const { total, isExact } = await count(reader, query)
  const seen = data.length + (isOneMore ? 1 : 0)
  return { total: isExact ? total : Math.max(total, seen), totalIsExact: isExact }
}

/**
 * @param onward where the list goes on in the direction of reading; null at its end
 * @param back where it goes on in the other direction; null at its start
 */
function pagination(
  { from, limit, fingerprint }: ListQuery,
  onward: Position | null,
  back: Position | null
): Pagination {
  const [next, previous] = from?.backward ? [back, onward] : [onward, back]
  return {
    limit,
    hasMore: next !== null,
    nextCursor: next && encodeCursor(next, fingerprint),
    prevCursor: previous && encodeCursor(previous, fingerprint)
  }
}

/** Behind a product of the page, in the direction of reading. */
function positionAt({ sort, from }: ListQuery, product: Product | undefined): Position | null {
  if (product === undefined) return from
  return { value: product[sort.key], id: parseId(product.id), inclusive: false, backward: from?.backward ?? false }
}

/** Back from the first product that was read; from an empty page to what it was reached from. */
function positionBack(query: ListQuery, first: Product | undefined): Position | null {
  const { from } = query
  if (from === null) return null
  const backward = !from.backward
  const at = positionAt(query, first) ?? from
  return first === undefined ? { ...from, inclusive: !from.inclusive, backward } : { ...at, backward }
}
