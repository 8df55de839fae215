import { type Static, Type } from '@sinclair/typebox'
import { wait } from '../../../platform/lib/time-limit.ts'
import { TokenError } from '../../oauth/token-error.ts'
import type { UpstreamClient } from '../../upstream/upstream-client.ts'
import { UpstreamError, type UpstreamErrorKind } from '../../upstream/upstream-error.ts'
import type { RunningPosition } from './feed-position.ts'

/** What is agreed of `GET /products`. Its items are looked at one by one: a single one that is wrong is no reason to stop. */
const FeedPage = Type.Object({
  data: Type.Array(Type.Unknown(), { maxItems: 10_000 }),
  nextCursor: Type.Union([Type.String({ minLength: 1, maxLength: 8192 }), Type.Null()])
})
export type FeedPage = Static<typeof FeedPage>

interface ReadPageOptions {
  client: UpstreamClient
  signal: AbortSignal
  /** How long a supplier may fail until it is given up. */
  patienceMs: number
  /** Told of each failure that is waited for to pass. */
  onPatience: (error: Error) => void
}

/** Also the number of products in a transaction. */
const PAGE_ITEMS = 500
const LIMIT_BYTES = 32 * 2 ** 20
const MIN_PAUSE_MS = 250
const MAX_PAUSE_MS = 10_000
const PASSING_KINDS: readonly UpstreamErrorKind[] = ['timeout', 'deadline', 'open', 'busy', 'network']
/** Statuses by which an upstream refuses us, or our haste, and not what we ask for. */
const NOT_THE_CURSOR: readonly number[] = [401, 403, 408, 425, 429]

/**
 * Reads the page of a feed that comes next. A supplier that fails is asked again and again, with pauses, until its time is
 * up: a run of hours does not end with an outage of a minute.
 * @throws {UpstreamError | TokenError} the last failure; or the reason of the signal
 */
export async function readPage({ sinceMs, run }: RunningPosition, options: ReadPageOptions): Promise<FeedPage> {
  const { client, signal, patienceMs, onPatience } = options
  const updatedSince = sinceMs === null ? undefined : new Date(sinceMs).toISOString()
  const query = { updatedSince, cursor: run.cursor ?? undefined, limit: PAGE_ITEMS }
  const call = {
    path: ['products'],
    query,
    response: FeedPage,

    limitBytes: LIMIT_BYTES,
    signal
  }
  const giveUpAtMs = performance.now() + patienceMs
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
    try {
      return await client.request(call)
    } catch (error) {
      signal.throwIfAborted()
      const delayMs = Math.max(pauseMs, retryAfterMs(error) ?? 0)
      if (!mayPass(error) || performance.now() + delayMs > giveUpAtMs) throw error
      onPatience(error)
      await wait(delayMs, signal)
    }
  }
}

/** Has a supplier refused to go on at a cursor, as it may after a while? */
export function isCursorRefused(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError) || error.status === undefined) return false
  return error.status >= 400 && error.status < 500 && !NOT_THE_CURSOR.includes(error.status)
}

function mayPass(error: unknown): error is UpstreamError | TokenError {
  if (error instanceof TokenError) return error.kind === 'unavailable'
  if (!(error instanceof UpstreamError)) return false
  const { kind, status = 0 } = error
  return PASSING_KINDS.includes(kind) || (kind === 'status' && (status === 429 || (status >= 500 && status !== 501)))
}

function retryAfterMs(error: unknown): number | undefined {
  return error instanceof UpstreamError || error instanceof TokenError ? error.retryAfterMs : undefined
}
