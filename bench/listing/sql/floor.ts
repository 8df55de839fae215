import type { ListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { PRICE_BAND_STARTS } from '../../../src/catalogue/listing/read/read-facets.ts'
import type { Statement } from '../../../src/catalogue/listing/read/statements.ts'
import type { Scenario } from '../scenario.ts'
import {
  type Condition,
  filters,
  fromClause,
  latePage,
  latePageOfEach,
  locate,
  match,
  page,
  seek,
  signatures,
  sortIndexName
} from './clauses.ts'

const where = (query: ListQuery): Condition[] => [...filters(query), ...seek(query)]
const priceIndex = ({ categories }: ListQuery) => sortIndexName({ sort: { key: 'price', order: 'asc' }, categories })

/** The ways to write a page by hand, knowing the indexes and the data. */
const pages = {
  walk: (query) => page(query, sortIndexName(query), where(query)),
  'walk, then rows': (query) => latePage(query, sortIndexName(query), where(query)),
  'walk each category': (query) => latePageOfEach(query, where),
  'price range': (query) => latePage(query, priceIndex(query), where(query)),
  FULLTEXT: (query) => latePage(query, null, [...where(query), ...match(query)]),
  'FULLTEXT of the last word': (query) =>
    latePage(query, null, [...where(query), ...match({ search: lastOf(query) }), ...locate(query)]),
  'price range, LOCATE': (query) => latePage(query, priceIndex(query), [...where(query), ...locate(query)]),
  'walk, LOCATE': (query) => page(query, sortIndexName(query), [...where(query), ...locate(query)]),
  'walk, signatures': (query) =>
    page(query, sortIndexName(query), [...where(query), ...signatures(query), ...locate(query)])
} as const satisfies Record<string, (query: ListQuery) => Statement>

/** The ways to write facets by hand; each counts the other categories, too. */
const facets = {
  index: (query) => countCells(query, 'products_category_price', locate(query)),
  'price range': (query) => countCells(query, 'products_price', locate(query)),
  FULLTEXT: (query) => countCells(query, null, match(query))
} as const satisfies Record<string, (query: ListQuery) => Statement>

/** The name of a hand-written way. */
export type FloorName = keyof typeof pages | keyof typeof facets

/** Returns the statements of one question, which run concurrently. */
export function floorStatements(scenario: Scenario, name: FloorName, query: ListQuery): Statement[] {
  if (scenario.resource === 'facets') return [known(facets, name)(query)]
  const statement = known(pages, name)(query)
  // SQL has no estimated total.
  return query.total === 'exact' ? [statement, countAll(query)] : [statement]
}

function countAll(query: ListQuery): Statement {
  const { sql, params } = fromClause(null, [...filters(query), ...(query.search === null ? [] : match(query))])
  return { sql: `SELECT COUNT(*) AS count ${sql}`, params }
}

function countCells(query: ListQuery, index: string | null, words: readonly Condition[]): Statement {
  const { sql, params } = fromClause(index, [...filters({ ...query, categories: [] }), ...words])
  const selected = `category, INTERVAL(price, ${PRICE_BAND_STARTS}) AS band, COUNT(*) AS count`
  return { sql: `SELECT ${selected} ${sql} GROUP BY category, band`, params }
}

function lastOf({ search }: ListQuery): ListQuery['search'] {
  return search?.slice(-1) ?? null
}

function known<Way>(ways: Readonly<Record<string, Way>>, name: FloorName): Way {
  const way = ways[name]
  if (way === undefined) throw new Error(`“${name}” cannot answer this scenario`)
  return way
}
