import type { Connection, RowDataPacket } from 'mysql2/promise'
import { datetimeToMs, toDatetime } from '../../../platform/database/datetime.ts'

/** How far a feed has been read. Times are Unix times. */
export interface SupplierFeedPosition {
  /** `updatedSince` of the run under way, or of the next one; null is the beginning. */
  readonly sinceMs: number | null
  readonly run: FeedRun | null
  /** How many pages were ever applied. */
  readonly pages: number
}

/** The same, while a run is under way. */
export type RunningPosition = SupplierFeedPosition & { readonly run: FeedRun }

/** A walk from `updatedSince` to the end of the feed. */
export interface FeedRun {
  /** When it began, by our clock. */
  readonly startedAtMs: number
  /** Where it goes on; null is its first page. */
  readonly cursor: string | null
  /** The latest `updatedAt` that it has met, by the supplier's clock. */
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
/** For what a supplier commits some time after it was dated, and for what it dates ahead. */
const OVERLAP_MS = 600_000
const READ = `SELECT updated_since, run_started_at, run_cursor, run_newest, pages
  FROM feed_positions WHERE source = ?`
const STORE =
  'REPLACE INTO feed_positions (source, updated_since, run_started_at, run_cursor, run_newest, pages) VALUES (?)'

export async function readPosition(connection: Connection, source: string): Promise<SupplierFeedPosition> {
  const [[row]] = await connection.query<PositionRow[]>(READ, [source])
  if (row === undefined) return UNREAD
  const startedAtMs = toUnixMs(row.run_started_at)
  const run = startedAtMs === null ? null : { startedAtMs, cursor: row.run_cursor, newestMs: toUnixMs(row.run_newest) }
  return { sinceMs: toUnixMs(row.updated_since), run, pages: row.pages }
}

/** In the transaction of the page that leads there. */
export async function storePosition(
  connection: Connection,
  source: string,
  position: SupplierFeedPosition
): Promise<void> {
  const { sinceMs, run, pages } = position
  const cells = [toCell(sinceMs), toCell(run?.startedAtMs), run?.cursor ?? null, toCell(run?.newestMs), pages]
  await connection.query(STORE, [[source, ...cells]])
}

/** Begins a run, or begins it anew. */
export function beginRun(position: SupplierFeedPosition, nowMs: number): RunningPosition {
  return { ...position, run: { startedAtMs: nowMs, cursor: null, newestMs: null } }
}

/**
 * Where to go on after a page: at its cursor, or at the end of the feed with the next run.
 *
 * What a run has not met was changed after it began: by a supplier whose feed is in another order than that of the changes,
 * for one, behind the page that was read. So the next run has to begin where this one began, by the clock of the supplier,
 * which we don't know. But nothing that was met is dated later than the end of the run: the newest of it, less the time that
 * the run took, is its beginning or earlier, however far the two clocks are apart. What is met twice does no harm.
 * @param newestMs the latest `updatedAt` of the page
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
