import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import {
  CHANGES_LIMIT_DEFAULT,
  ProductChange,
  ProductChangePage,
  type ProductChangesQuery
} from '../../../schemas/changes.ts'
import { Product } from '../../../schemas/products.ts'
import type { Database } from '../../platform/database/database.ts'
import { bodyOf } from '../../platform/http/request-body.ts'
import { createSingleFlight } from '../../platform/lib/single-flight.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import type { ChangeIndex } from '../change-log/change-index.ts'
import { numberChanges } from '../change-log/product-changes.ts'
import { findProducts } from '../products/find-products.ts'
import type { ChangeWaiters } from './change-waiters.ts'
import { BEGINNING, type ChangeFeedPosition, decodeFeedCursor, encodeFeedCursor } from './feed-cursor.ts'
import { type FeedChange, readFeed } from './read-feed.ts'

/** The change log as clients read it, to keep a copy of the catalogue. */
export interface ChangeFeed {
  /**
   * Reads the changes after a cursor: all that were committed before the call, up to the limit. When there are none, waits
   * for as long as the query says.
   * @param signal ends the wait
   * @returns a `ProductChangePage` in JSON
   * @throws {AppError} `invalid-cursor`, `cursor-expired`; `overloaded` when too many wait
   */
  read(query: ProductChangesQuery, signal: AbortSignal): Promise<Buffer>
}

interface FeedPage {
  body: Buffer
  isEmpty: boolean
}

interface ChangeFeedOptions {
  database: Database
  changeIndex: Pick<ChangeIndex, 'version'>
  waiters: ChangeWaiters
}

/** Creates the change feed. */
export function createChangeFeed({ database, changeIndex, waiters }: ChangeFeedOptions): ChangeFeed {
  /** Loads for requests that were woken together: most of them ask for the same page. */
  const loads = createSingleFlight<string, FeedPage>()

  return {
    async read({ since, limit = CHANGES_LIMIT_DEFAULT, wait = 0 }, signal) {
      const from = since === undefined ? BEGINNING : decodeFeedCursor(since)
      // Otherwise a client might not find what it has just written.
      await numberChanges(database)
      const page = await load(database, from, limit)
      if (!page.isEmpty || wait === 0) return page.body
      const isWoken = await waiters.wait(from.seq, wait * 1000, signal)
      if (!isWoken) return page.body
      const key = `${changeIndex.version} ${encodeFeedCursor(from)} ${limit}`
      const { body } = await loads.run(key, () => load(database, from, limit))
      return body
    }
  }
}

const serialisePage: (page: ProductChangePage) => string = fastJsonStringify(ProductChangePage as Schema, {
  schema: { Product: Product as Schema, ProductChange: ProductChange as Schema }
})

async function load(database: Database, from: ChangeFeedPosition, limit: number): Promise<FeedPage> {
  const { changes, next, hasMore } = await readFeed(database, from, limit)
  const changedIds = changes.filter(({ type }) => type === 'upsert').map(({ id }) => id)
  const products = await findProducts(database, changedIds)
  const page = {
    data: changes.map((change) => toProductChange(change, products)),
    pagination: { nextCursor: encodeFeedCursor(next), hasMore }
  }
  return { body: bodyOf(serialisePage(page)), isEmpty: changes.length === 0 }
}

function toProductChange({ type, id, sku, at }: FeedChange, products: ReadonlyMap<string, Product>): ProductChange {
  const product = type === 'upsert' ? products.get(id) : undefined
  return { type, id: formatId(Buffer.from(id, 'hex')), sku, at, ...(product !== undefined && { product }) }
}
