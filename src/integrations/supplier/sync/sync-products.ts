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
import type { UpstreamClient } from '../../upstream/upstream-client.ts'
import {
  afterPage,
  beginRun,
  type RunningPosition,
  readPosition,
  type SupplierFeedPosition,
  storePosition
} from './feed-position.ts'
import { type ItemRefusal, readItem } from './read-item.ts'
import { type FeedPage, isCursorRefused, readPage } from './read-page.ts'

export interface SyncOptions {
  client: UpstreamClient
  /** Which feed it is: another one is read from its own beginning. */
  source: string
  /** From the beginning, whatever has been read already. */
  isFull?: boolean
  /** Finds out what would be done, and leaves everything as it is. */
  isDryRun?: boolean
  sources: Sources
  /** Ends the work; what is done is kept. */
  signal: AbortSignal
  /** How long a supplier may fail until it is given up; two minutes unless said. */
  patienceMs?: number
  onRefusal: (refusal: ItemRefusal) => void
  /** Told of failures of the supplier that are waited for to pass, and of a run that begins anew. */
  onTrouble: (error: Error) => void
  onProgress?: (itemsRead: number) => void
}

export interface SyncSummary {
  read: number
  created: number
  updated: number
  deleted: number
  unchanged: number
  refused: number
}

/** Another one is under way. */
export class SyncRunningError extends Error {
  override name = 'SyncRunningError'
}

/** The feed can't be read to its end, however often one tries. */
export class FeedError extends Error {
  override name = 'FeedError'
}

const PATIENCE_MS = 120_000
const LOCK_NAME_LENGTH = 64
/** The server notices a moment later that a run has ended. */
const LOCK_WAIT_SECONDS = 1

/**
 * Brings what a supplier's feed says into the products, page by page: whatever was changed since the last run, or the rest
 * of a run that did not come to its end. Where it stands is stored in the transaction of each page, so that a page is
 * applied as a whole and once, whenever the process ends.
 *
 * One runs at a time on a database: under a lock of the connection that also writes, so that none goes on without it.
 * @throws {SyncRunningError}; {FeedError}; what `readPage` and the driver throw
 */
export async function syncProducts(config: MysqlConfig, options: SyncOptions): Promise<SyncSummary> {
  const connection = await mysql.createConnection(connectionOptions(config))
  try {
    if (!(await takeLock(connection, `sync:${config.database}`.slice(0, LOCK_NAME_LENGTH), LOCK_WAIT_SECONDS)))
      throw new SyncRunningError('Another sync is under way. This one has done nothing.')
    const stored = await readPosition(connection, options.source)
    const from = options.isFull ? { ...stored, sinceMs: null, run: null } : stored
    const summary = await run(connection, from, options)
    await connection.end()
    return summary
  } finally {
    connection.destroy()
  }
}

async function run(connection: Connection, from: SupplierFeedPosition, options: SyncOptions): Promise<SyncSummary> {
  const { client, sources, signal, patienceMs = PATIENCE_MS, onTrouble, onProgress } = options
  const summary = { read: 0, created: 0, updated: 0, deleted: 0, unchanged: 0, refused: 0 }
  let mayBeginAnew = from.run !== null
  let position: SupplierFeedPosition = from.run === null ? beginRun(from, sources.nowMs()) : from
  while (isRunning(position)) {
    signal.throwIfAborted()
    try {
      const page = await readPage(position, { client, signal, patienceMs, onPatience: onTrouble })
      if (page.nextCursor !== null && page.nextCursor === position.run.cursor)
        throw new FeedError('The feed does not go on: a page names itself as the next one.')
      position = await applyPage(connection, position, page, summary, options)
      onProgress?.(summary.read)
    } catch (error) {
      // The cursor of an old run. Nothing is lost: the new one begins where that one did.
      if (!mayBeginAnew || !isCursorRefused(error)) throw error
      onTrouble(error)
      position = beginRun(position, sources.nowMs())
    }
    mayBeginAnew = false
  }
  return summary
}

/**
 * Adds to the summary what has become of the items of a page.
 * @returns where to go on
 */
async function applyPage(
  connection: Connection,
  position: RunningPosition,
  page: FeedPage,
  summary: SyncSummary,
  { source, isDryRun, sources, onRefusal }: SyncOptions
): Promise<SupplierFeedPosition> {
  const nowMs = sources.nowMs()
  const read = page.data.map((item, index) => readItem(item, { page: position.pages, index }, nowMs))
  const refusals = read.filter((it) => 'detail' in it)
  const writes = read.filter((it) => 'write' in it)
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
  summary.read += read.length
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
