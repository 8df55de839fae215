import assert from 'node:assert/strict'
import type { ProductChange, ProductChangePage } from '../../schemas/changes.ts'
import type { Product } from '../../schemas/products.ts'
import { exchange } from './exchange.ts'
import { readExport } from './read-export.ts'

export const FEED = '/api/v1/products/changes'

/** A client that keeps a copy of the catalogue and the cursor that belongs to it. */
export interface FeedReader {
  readonly copy: ReadonlyMap<string, Product>
  /** All that it was told, without the products. */
  readonly told: readonly Omit<ProductChange, 'product'>[]
  readonly cursor: string | undefined
  /** Asks for a page, and applies it. */
  read(): Promise<ProductChangePage>
  /** Until there is no more. */
  catchUp(): Promise<void>
  /** Begins anew, with an export. */
  readExport(): Promise<void>
}

/** @param query of every request, but for `since` */
export function feedReader(url: string, key: string, query: string): FeedReader {
  const copy = new Map<string, Product>()
  const told: Omit<ProductChange, 'product'>[] = []
  let cursor: string | undefined

  async function read(): Promise<ProductChangePage> {
    const since = cursor === undefined ? '' : `&since=${cursor}`
    const { status, body } = await exchange(`${url}${FEED}?${query}${since}`, { 'x-api-key': key })
    assert.equal(status, 200, body.toString())
    const page: ProductChangePage = JSON.parse(body.toString())
    for (const { product, ...change } of page.data) {
      told.push(change)
      if (product === undefined) copy.delete(change.id)
      else copy.set(change.id, product)
    }
    cursor = page.pagination.nextCursor
    return page
  }

  return {
    copy,
    told,
    get cursor() {
      return cursor
    },
    read,
    async catchUp() {
      while ((await read()).pagination.hasMore);
    },
    async readExport() {
      const { products, changesCursor } = await readExport(url, key)
      copy.clear()
      for (const product of products) copy.set(product.id, product)
      cursor = changesCursor
    }
  }
}
