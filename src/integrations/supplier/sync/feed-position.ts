import type { Connection, RowDataPacket } from 'mysql2/promise'
import { datetimeToMs, toDatetime } from '../../../platform/lib/timestamps.ts'

/** How far a supplier's feed has been read. Times are Unix times, in ms. */
export interface SupplierFeedPosition {
  /** `updatedSince` of the current run, or of the next one; null at the beginning of the feed. */
  readonly sinceMs: number | null
  readonly run: FeedRun | null
  /** How many pages were applied in all runs. */
  readonly pages: number
}

/** The position of a feed during a run. */
export type RunningPosition = SupplierFeedPosition & { readonly run: FeedRun }

/** One reading of a feed, from `updatedSince` to its end. */
export interface FeedRun {
  /** When the run began, by our clock. */
  readonly startedAtMs: number
  /** The cursor of the next page; null for the first page. */
  readonly cursor: string | null
  /** The latest `updatedAt` of all items so far, by the supplier's clock; null when there was none. */
  readonly newestMs: number | null
}

interface PositionRow extends RowDataPacket {
  updated_since: string | null
  run_started_at: string | null
  run_cursor: string | null
  run_newest: string | null
  pages: number
}

const UNREAD: SupplierFeedPosition = { sinceMs: null, run: null, pages: 0 }
/** Covers changes that the supplier commits after their date, and changes that it dates in the future. */
const OVERLAP_MS = 600_000
const READ = `SELECT updated_since, run_started_at, run_cursor, run_newest, pages
  FROM feed_positions WHERE source = ?`
const STORE =
  'REPLACE INTO feed_positions (source, updated_since, run_started_at, run_cursor, run_newest, pages) VALUES (?)'

/** Reads the position of a feed; the beginning, when the feed was never read. */
export async function readPosition(connection: Connection, source: string): Promise<SupplierFeedPosition> {
  const [[row]] = await connection.query<PositionRow[]>(READ, [source])
  if (row === undefined) return UNREAD
  const startedAtMs = toUnixMs(row.run_started_at)
  const run = startedAtMs === null ? null : { startedAtMs, cursor: row.run_cursor, newestMs: toUnixMs(row.run_newest) }
  return { sinceMs: toUnixMs(row.updated_since), run, pages: row.pages }
}

/** Stores the position of a feed. To be called in the transaction of the page that leads there. */
export async function storePosition(
  connection: Connection,
  source: string,
  position: SupplierFeedPosition
): Promise<void> {
  const { sinceMs, run, pages } = position
  const cells = [toCell(sinceMs), toCell(run?.startedAtMs), run?.cursor ?? null, toCell(run?.newestMs), pages]
  await connection.query(STORE, [[source, ...cells]])
}

/** Starts a run, or starts it again. */
export function beginRun(position: SupplierFeedPosition, nowMs: number): RunningPosition {
  return { ...position, run: { startedAtMs: nowMs, cursor: null, newestMs: null } }
}

/**
 * Computes the position after a page: its next cursor, or the start of the next run at the end of the feed.
 *
 * Changes that a run missed were made after it began: a feed need not be in the order of changes, so a change may land
 * behind the page that was just read. The next run must therefore start where this one began, by the supplier's clock,
 * which we do not know. But no item is dated later than the end of the run. So the date of the newest item, less the
 * duration of the run, is the beginning of the run or earlier, however far apart the two clocks are. Reading an item
 * twice does no harm.
 * @param newestMs the latest `updatedAt` of the page; null for a page without valid items
 * @param nowMs our clock
 */
export function afterPage(
  { sinceMs, run, pages }: RunningPosition,
  { nextCursor, newestMs }: { nextCursor: string | null; newestMs: number | null },
  nowMs: number
): SupplierFeedPosition {
  const newest = latest(run.newestMs, newestMs)
  if (nextCursor !== null) return { sinceMs, run: { ...run, cursor: nextCursor, newestMs: newest }, pages: pages + 1 }
  const tookMs = Math.max(0, nowMs - run.startedAtMs)
  const beginningMs = newest === null ? null : Math.max(0, newest - tookMs - OVERLAP_MS)
  return { sinceMs: latest(sinceMs, beginningMs), run: null, pages: pages + 1 }
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

function toCell(unixMs: number | null | undefined): string | null {
  return typeof unixMs === 'number' ? toDatetime(unixMs) : null
}

function toUnixMs(datetime: string | null): number | null {
  return datetime === null ? null : datetimeToMs(datetime)
}
