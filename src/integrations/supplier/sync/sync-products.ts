import { type Static, Type } from '@sinclair/typebox'
import mysql, { type Connection } from 'mysql2/promise'
import {
  type AppliedWrites,
  applyRegisterWrites,
  applyWithRetries
} from '../../../catalogue/products/apply-register-writes.ts'
import type { Sources } from '../../../catalogue/products/upsert-products.ts'
import type { MysqlConfig } from '../../../config/config.ts'
import { connectionOptions } from '../../../platform/database/connection-options.ts'
import { takeLock } from '../../../platform/database/named-lock.ts'
import { inTransaction, rehearse, type Transact } from '../../../platform/database/transaction.ts'
import { wait } from '../../../platform/lib/time-limit.ts'
import { TokenError } from '../../oauth/token-provider.ts'
import { retry } from '../../upstream/retry.ts'
import type { UpstreamClient } from '../../upstream/upstream-client.ts'
import { isTransient, UpstreamError } from '../../upstream/upstream-error.ts'
import {
  afterPage,
  beginRun,
  type RunningPosition,
  readPosition,
  type SupplierFeedPosition,
  storePosition
} from './feed-position.ts'
import { type ItemRefusal, readItem } from './read-item.ts'

/** What to sync, and how. */
export interface SyncOptions {
  client: UpstreamClient
  /** The name of the feed. Each feed has a position of its own. */
  source: string
  /** Reads the feed from its beginning, also when it was read before. */
  isFull?: boolean
  /** Finds out what would be done, and rolls everything back. */
  isDryRun?: boolean
  sources: Sources
  /** Ends the work. Pages that were applied are kept. */
  signal: AbortSignal
  /** How long the supplier may fail on one page before the sync fails; two minutes by default. */
  patienceMs?: number
  /** Called for every item that is invalid. */
  onRefusal: (refusal: ItemRefusal) => void
  /** Called for every failure of the supplier that is retried, and when an old run has to start again. */
  onRetry: (error: Error) => void
  onProgress?: (itemsRead: number) => void
}

/** How many items a sync read, and what became of them. */
export interface SyncSummary {
  read: number
  created: number
  updated: number
  deleted: number
  unchanged: number
  refused: number
}

/** Another sync is running on the same database. */
export class SyncRunningError extends Error {
  override name = 'SyncRunningError'
}

/** The feed has no end: reading it again would not help. */
export class FeedError extends Error {
  override name = 'FeedError'
}

/**
 * The agreed response of `GET /products`. Items are validated one by one, so that an invalid item does not stop the sync.
 */
const PageResponse = Type.Object({
  data: Type.Array(Type.Unknown(), { maxItems: 10_000 }),
  nextCursor: Type.Union([Type.String({ minLength: 1, maxLength: 8192 }), Type.Null()])
})
type Page = Static<typeof PageResponse>

/** Also the number of products in a transaction. */
const PAGE_ITEMS = 500
const PAGE_LIMIT_BYTES = 32 * 2 ** 20
const PATIENCE_MS = 120_000
const BACKOFF = { baseMs: 500, maxMs: 20_000 }
/** Statuses that reject the caller or the pace, but not the cursor. */
const NOT_THE_CURSOR: readonly number[] = [401, 403, 408, 425, 429]
const LOCK_NAME_LENGTH = 64
/** The server takes a moment to notice that a killed sync has gone. */
const LOCK_WAIT_SECONDS = 1

/**
 * Copies what changed in a supplier's feed into the products, page by page: everything since the last run, or the rest of
 * a run that did not finish. The position is stored in the transaction of each page, so a page is applied completely and
 * once, even if the process is killed.
 *
 * One sync runs at a time on a database. The lock belongs to the connection that writes, so no sync goes on without it.
 * @throws {SyncRunningError}
 * @throws {FeedError}
 * @throws {UpstreamError | TokenError} the last failure of the supplier, when it failed for too long or refused a call
 */
export async function syncProducts(config: MysqlConfig, options: SyncOptions): Promise<SyncSummary> {
  const connection = await mysql.createConnection(connectionOptions(config))
  try {
    if (!(await takeLock(connection, `sync:${config.database}`.slice(0, LOCK_NAME_LENGTH), LOCK_WAIT_SECONDS)))
      throw new SyncRunningError('Another sync is running. This one did nothing.')
    const stored = await readPosition(connection, options.source)
    const from = options.isFull ? { ...stored, sinceMs: null, run: null } : stored
    const summary = await readFeed(connection, from, options)
    await connection.end()
    return summary
  } finally {
    connection.destroy()
  }
}

async function readFeed(connection: Connection, from: SupplierFeedPosition, options: SyncOptions) {
  const { sources, signal, onRetry, onProgress } = options
  const summary: SyncSummary = { read: 0, created: 0, updated: 0, deleted: 0, unchanged: 0, refused: 0 }
  let mayStartAgain = from.run !== null
  let position: SupplierFeedPosition = from.run === null ? beginRun(from, sources.nowMs()) : from
  while (isRunning(position)) {
    signal.throwIfAborted()
    try {
      const page = await readPage(position, options)
      if (page.nextCursor !== null && page.nextCursor === position.run.cursor)
        throw new FeedError('The feed has no end: a page names itself as the next page.')
      position = await applyPage(connection, position, page, summary, options)
      onProgress?.(summary.read)
    } catch (error) {
      // The cursor of an old run may have expired. Nothing is lost: the new run begins where the old one did.
      if (!mayStartAgain || !isCursorRefused(error)) throw error
      onRetry(error)
      position = beginRun(position, sources.nowMs())
    }
    mayStartAgain = false
  }
  return summary
}

/**
 * Reads the next page. It is patient with a supplier that fails: a run of hours should survive an outage of a minute.
 * @throws the last failure; or the reason of the signal
 */
async function readPage({ sinceMs, run }: RunningPosition, options: SyncOptions): Promise<Page> {
  const { client, signal, patienceMs = PATIENCE_MS, onRetry } = options
  const nowMs = () => performance.now()
  const updatedSince = sinceMs === null ? undefined : new Date(sinceMs).toISOString()
  const call = {
    path: ['products'],
    query: { updatedSince, cursor: run.cursor ?? undefined, limit: PAGE_ITEMS },
    response: PageResponse,
    limitBytes: PAGE_LIMIT_BYTES,
    signal
  }
  const retryOptions = { attempts: Number.POSITIVE_INFINITY, backoff: BACKOFF, nowMs, random: Math.random, wait }
  const retried = { signal, deadlineAtMs: nowMs() + patienceMs, isRetryable, onRetry }
  try {
    return await retry(retryOptions, retried, () => client.request(call))
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

function isRetryable(error: unknown): error is UpstreamError | TokenError {
  return isTransient(error) || (error instanceof TokenError && error.kind === 'unavailable')
}

/** Returns whether the supplier rejected the cursor of a call, as it may after some time. */
function isCursorRefused(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError) || error.status === undefined) return false
  return error.status >= 400 && error.status < 500 && !NOT_THE_CURSOR.includes(error.status)
}

/**
 * Applies a page in one transaction, and adds the outcome of its items to the summary.
 * @returns the position after the page
 */
async function applyPage(
  connection: Connection,
  position: RunningPosition,
  page: Page,
  summary: SyncSummary,
  { source, isDryRun, sources, onRefusal }: SyncOptions
): Promise<SupplierFeedPosition> {
  const nowMs = sources.nowMs()
  const items = page.data.map((item, index) => readItem(item, { page: position.pages, index }, nowMs))
  const refusals = items.filter((item) => 'detail' in item)
  const writes = items.filter((item) => 'write' in item)
  const newestMs = writes.reduce((newest, { write }) => Math.max(newest, write.atMs), Number.NEGATIVE_INFINITY)
  const { nextCursor } = page
  const next = afterPage(position, { nextCursor, newestMs: writes.length > 0 ? newestMs : null }, nowMs)

  const transact: Transact<AppliedWrites> = (work) => (isDryRun ? rehearse : inTransaction)(connection, work)
  const { created, updated, deleted } = await applyWithRetries(transact, async (connection) => {
    const applied = await applyRegisterWrites(connection, writes, sources)
    await storePosition(connection, source, next)
    return applied
  })
  refusals.forEach(onRefusal)
  const changed = created.length + updated.length + deleted.length
  summary.read += items.length
  summary.created += created.length
  summary.updated += updated.length
  summary.deleted += deleted.length
  summary.unchanged += writes.length - changed
  summary.refused += refusals.length
  return next
}

function isRunning(position: SupplierFeedPosition): position is RunningPosition {
  return position.run !== null
}
