import Fastify from 'fastify'
import type { RowDataPacket } from 'mysql2'
import type { Facets } from '../../../schemas/facets.ts'
import type { ProductPage } from '../../../schemas/products.ts'
import type { ListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { toPriceRanges } from '../../../src/catalogue/listing/read/read-facets.ts'
import type { Statement } from '../../../src/catalogue/listing/read/statements.ts'
import { type ProductRow, toProduct } from '../../../src/catalogue/products/product-row.ts'
import { serialiseFacets, serialisePage } from '../../../src/catalogue/products/serialise-products.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { JSON_TYPE } from '../../hot/answers.ts'
import { readFloorRequests } from '../floor-requests.ts'

interface Cell {
  category: string | null
  band: number
  count: number
}

const requests = readFloorRequests()
/** The default number of connections of Aisle, and a time limit for hopeless statements. */
const limits = { connectionLimit: 10, queryTimeoutMs: 5000 }
const pool = openPool(loadConfig(process.env).mysql, limits).promise()
const app = Fastify()

app.get<{ Params: { number: string } }>('/:number', async ({ params }, reply) => {
  const request = requests[Number(params.number)]
  if (request === undefined) return reply.code(404).send()
  const { resource, query, statements } = request
  const [rows = [], counts] = await Promise.all(statements.map(run))
  reply.type(JSON_TYPE)
  return reply.send(
    resource === 'list'
      ? serialisePage(toPage(query, rows as ProductRow[], counts?.[0]?.count))
      : serialiseFacets(toFacets(query, rows as Cell[]))
  )
})

await app.listen({ port: 0, host: '127.0.0.1' })

async function run({ sql, params }: Statement): Promise<RowDataPacket[]> {
  const [rows] = await pool.execute<RowDataPacket[]>(sql, params)
  return rows
}

/** Builds a page without cursors. */
function toPage({ limit, from }: ListQuery, rows: ProductRow[], total: unknown): ProductPage {
  const data = rows.slice(0, limit).map(toProduct)
  if (from?.backward) data.reverse()
  const pagination = { limit, hasMore: rows.length > limit, nextCursor: null, prevCursor: null }
  const counted = total === undefined ? {} : { total: Number(total), totalIsExact: true }
  return { data, pagination: { ...pagination, ...counted } }
}

function toFacets(query: ListQuery, cells: readonly Cell[]): Facets {
  const byCategory = new Map<string, number>()
  const byBand = new Map<number, number>()
  for (const { category, band, count } of cells) {
    if (category !== null) byCategory.set(category, (byCategory.get(category) ?? 0) + count)
    const isChosen = query.categories.length === 0 || query.categories.includes(category ?? '')
    if (isChosen) byBand.set(band, (byBand.get(band) ?? 0) + count)
  }
  const categories = [...byCategory].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count)
  return { data: { categories, prices: toPriceRanges(byBand, query) }, isExact: true }
}
