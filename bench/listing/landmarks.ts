import type { Connection, RowDataPacket } from 'mysql2/promise'
import { SORT_KEYS, type SortKey } from '../../schemas/products.ts'
import { formatCents } from '../../scripts/seed/prices.ts'
import type { Position } from '../../src/catalogue/listing/query/cursor.ts'
import type { Sort } from '../../src/catalogue/listing/query/list-query.ts'
import { sortColumns } from '../../src/catalogue/listing/read/statements.ts'
import { datetimeToTimestamp } from '../../src/platform/lib/timestamps.ts'

/** A price filter. */
export interface PriceRange {
  minPrice: string
  maxPrice: string
}

/** Facts about a catalogue, from which the questions are made. */
export interface Landmarks {
  /** The number of the deep page, with 20 products per page. */
  deepPage: number
  /** Returns the position of the last row before the deep page in a sort order. */
  beforeDeepPage(sort: Sort): Omit<Position, 'backward'>
  /** Returns a price range with about one product in a thousand; a different one for each number from 0. */
  narrowRange(number: number): PriceRange
  /** Returns a price range with few products, or none. */
  emptyRange(number: number): PriceRange
}

/** The page size of the deep page. */
export const PAGE_ROWS = 20
const DEEP_PAGE = 10_000
/** The share of all rows before the deep page of a smaller catalogue. */
const DEEPEST_SHARE = 0.8
const NARROW_SHARE = 1 / 1000
const FEW_PRODUCTS = 5
/** Any number of its multiples, modulo 1, are far apart. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/** Finds the landmarks of a catalogue; takes seconds for ten million rows. */
export async function findLandmarks(connection: Connection, rows: number): Promise<Landmarks> {
  const deepPage = Math.min(DEEP_PAGE, Math.floor((rows * DEEPEST_SHARE) / PAGE_ROWS))
  const places = new Map<string, Omit<Position, 'backward'>>()
  for (const key of SORT_KEYS) {
    for (const order of ['asc', 'desc'] as const) {
      places.set(`${key} ${order}`, await findPlace(connection, { key, order }, (deepPage - 1) * PAGE_ROWS - 1))
    }
  }
  const prices = await countPrices(connection)
  const narrow = narrowRanges(prices, rows * NARROW_SHARE)
  const empty = emptyRanges(prices)
  return {
    deepPage,
    beforeDeepPage: ({ key, order }) => known(places.get(`${key} ${order}`)),
    narrowRange: (number) => pick(narrow, number),
    emptyRange: (number) => pick(empty, number)
  }
}

async function findPlace(connection: Connection, { key, order }: Sort, offset: number) {
  const column = sortColumns[key]
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT ${column} AS value, id FROM products FORCE INDEX (products_${column})
     ORDER BY ${column} ${order}, id ${order} LIMIT 1 OFFSET ?`,
    [offset]
  )
  const { value, id } = known(row)
  return { value: isTime(key) ? datetimeToTimestamp(value) : value, id, inclusive: false }
}

function isTime(key: SortKey): boolean {
  return key === 'createdAt' || key === 'updatedAt'
}

interface PriceCount {
  cents: number
  products: number
}

async function countPrices(connection: Connection): Promise<PriceCount[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT price, COUNT(*) AS products FROM products FORCE INDEX (products_price) GROUP BY price ORDER BY price'
  )
  return rows.map(({ price, products }) => ({ cents: Math.round(Number(price) * 100), products: Number(products) }))
}

/** Builds ranges that begin at each price, and leaves out those where one price has too many products. */
function narrowRanges(prices: readonly PriceCount[], wanted: number): PriceRange[] {
  return prices.flatMap(({ cents }, start) => {
    let products = 0
    let end = start
    for (; end < prices.length && products < wanted * 0.8; end++) products += prices[end]?.products ?? 0
    const isNarrow = products >= wanted * 0.8 && products <= wanted * 1.25
    return isNarrow ? [toRange(cents, prices[end - 1]?.cents ?? cents)] : []
  })
}

function emptyRanges(prices: readonly PriceCount[]): PriceRange[] {
  return prices.flatMap(({ cents, products }, index) => {
    const next = prices[index + 1]?.cents ?? cents
    if (products > FEW_PRODUCTS || next - cents < 2) return []
    return [index % 2 === 0 ? toRange(cents, cents) : toRange(cents + 1, next - 1)]
  })
}

function toRange(fromCents: number, toCents: number): PriceRange {
  return { minPrice: formatCents(fromCents), maxPrice: formatCents(toCents) }
}

function pick<T>(choices: readonly T[], number: number): T {
  return known(choices[Math.floor(((number * GOLDEN_RATIO) % 1) * choices.length)])
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('the catalogue is not the generated one')
  return found
}
