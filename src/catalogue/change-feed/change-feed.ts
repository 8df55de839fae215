import { CHANGES_LIMIT_DEFAULT, type ProductChange, type ProductChangesQuery } from '../../../schemas/changes.ts'
import type { Product } from '../../../schemas/products.ts'
import type { Database } from '../../platform/database/database.ts'
import { bodyOf } from '../../platform/http/body.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import type { ChangeIndex } from '../change-log/change-index.ts'
import { numberChanges } from '../change-log/number-changes.ts'
import { findProducts } from '../products/find-products.ts'
import type { ChangeWaiters } from './change-waiters.ts'
import { BEGINNING, type ChangeFeedPosition, decodeFeedCursor, encodeFeedCursor } from './feed-cursor.ts'
import { type FeedChange, readFeed } from './read-feed.ts'
import { serialiseChanges } from './serialise-changes.ts'

/** The change log, for clients that keep a copy of the catalogue. */
export interface ChangeFeed {
  /**
   * Reads what follows a cursor: everything that was committed before the call, and no more than the limit. When there is
   * nothing, waits as long as the query says.
   * @returns a `ProductChangePage` in JSON
   * @param signal ends the wait
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

export function createChangeFeed({ database, changeIndex, waiters }: ChangeFeedOptions): ChangeFeed {
  /** What those who were woken together read, and are sent, by version, place and limit: mostly all of them the same. */
  const underWay = new Map<string, Promise<FeedPage>>()

  function loadOnce(from: ChangeFeedPosition, limit: number): Promise<FeedPage> {
    const key = `${changeIndex.version} ${encodeFeedCursor(from)} ${limit}`
    const present = underWay.get(key)
    if (present !== undefined) return present
    const loading = load(database, from, limit).finally(() => underWay.delete(key))
    underWay.set(key, loading)
    return loading
  }

  return {
    async read({ since, limit = CHANGES_LIMIT_DEFAULT, wait = 0 }, signal) {
      const from = since === undefined ? BEGINNING : decodeFeedCursor(since)
      // Else a client might not find what it has just written.
      await numberChanges(database)
      const page = await load(database, from, limit)
      if (!page.isEmpty || wait === 0) return page.body
      const isWoken = await waiters.wait(from.seq, wait * 1000, signal)
      const { body } = isWoken ? await loadOnce(from, limit) : page
      return body
    }
  }
}

async function load(database: Database, from: ChangeFeedPosition, limit: number): Promise<FeedPage> {
  const { changes, next, hasMore } = await readFeed(database, from, limit)
  const changedIds = changes.filter(({ type }) => type === 'upsert').map(({ id }) => id)
  const products = await findProducts(database, changedIds)
  const page = {
    data: changes.map((change) => toProductChange(change, products)),
    pagination: { nextCursor: encodeFeedCursor(next), hasMore }
  }
  return { body: bodyOf(serialiseChanges(page)), isEmpty: changes.length === 0 }
}

function toProductChange({ type, id, sku, at }: FeedChange, products: ReadonlyMap<string, Product>): ProductChange {
  const product = type === 'upsert' ? products.get(id) : undefined
  return { type, id: formatId(Buffer.from(id, 'hex')), sku, at, ...(product !== undefined && { product }) }
}
