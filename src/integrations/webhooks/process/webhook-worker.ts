import type { Sources } from '../../../catalogue/products/upsert-products.ts'
import type { Database } from '../../../platform/database/database.ts'
import { isContention } from '../../../platform/database/retry-contention.ts'
import { type Applied, applyEvents } from './apply-events.ts'
import { claimEvents, type EventClaim, releaseClaim } from './claim-events.ts'
import { failEvent, failExpired, LeaseLostError } from './settle-events.ts'

const MAX_EVENTS = 100
/** Far longer than a batch can take: a statement that runs past `WORKER_TIMEOUT_MS` is ended. */
const LEASE_MS = 30_000
export const WORKER_TIMEOUT_MS = 5000
/** Between two looks, when there is nothing to do: from, to, and by what it grows. */
const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 1000
const PAUSE_GROWTH = 1.5
/** Between two looks for leases that have run out. */
const EXPIRY_CHECK_MS = 5000

export interface WebhookWorker {
  /** There is a new event: look at once. */
  wake(): void
  /** Claims nothing more. Resolves when what was claimed is done, or given back. */
  stop(): Promise<void>
}

interface WorkerOptions extends Sources {
  /** Its own connection: it must not wait behind requests, nor they behind it. */
  database: Database
  /** From 0 to below 1. */
  random: () => number
  /** Told after each commit, with how long it took, and how long each of the events had waited for it. */
  onApplied: (applied: Applied & { durationMs: number; waitsMs: readonly number[] }) => void
  /** Told of each attempt that failed, and goes on. */
  onAttemptFailed: (error: Error, eventIds: readonly number[]) => void
  /** The database does not answer, and answers again. */
  onFailure: (error: Error) => void
  onSuccess: () => void
  /** How long it sleeps at first when there is nothing to do. */
  minPauseMs?: number
}

/**
 * Applies events as they come, from now on until it is stopped; goes on after any failure. Any number of workers share
 * the work: each event is done by one of them, once.
 */
export function openWebhookWorker(options: WorkerOptions): WebhookWorker {
  const { database, nowMs, randomBytes, random, onApplied, onAttemptFailed, onFailure, onSuccess } = options
  const { minPauseMs = MIN_PAUSE_MS } = options
  let isStopped = false
  let isWoken = false
  let endPause = () => {}
  let pauseMs = minPauseMs
  let expiryCheckAtMs = Number.NEGATIVE_INFINITY
  /** What is still to be written of an attempt that failed; the database may have failed with it. */
  let unwritten: (() => Promise<void>) | undefined

  async function run(): Promise<void> {
    while (!isStopped) {
      try {
        const isBusy = await step()
        onSuccess()
        if (isBusy) pauseMs = minPauseMs
        else await pause()
      } catch (error) {
        onFailure(error as Error)
        await pause()
      }
    }
    // Else the lease runs out, and says so.
    await write().catch(onFailure)
  }

  /** True where there may be more to do. */
  async function step(): Promise<boolean> {
    await write()
    await checkExpiry()
    const claim = await claimEvents(database, {
      token: Buffer.from(randomBytes(16)),
      leaseMs: LEASE_MS,
      maxEvents: MAX_EVENTS
    })
    if (claim.events.length > 0) await work(claim)
    return claim.events.length > 0
  }

  async function work({ token, events }: EventClaim): Promise<void> {
    const lease = { token, leaseMs: LEASE_MS }
    const ids = events.map(({ id }) => id)
    const startedAtMs = performance.now()
    try {
      const applied = await applyEvents(database, events, lease, { nowMs, randomBytes })
      const waitsMs = events.map(({ waitedMs }) => waitedMs)
      onApplied({ ...applied, waitsMs, durationMs: performance.now() - startedAtMs })
    } catch (error) {
      onAttemptFailed(error as Error, ids)
      const [first, ...others] = events
      if (error instanceof LeaseLostError || first === undefined) return
      const failure = { id: first.id, attempts: first.attempts, reason: reasonOf(error as Error) }
      // Of several, nobody knows which one it was: each is tried alone. What lost against others was no attempt.
      if (isContention(error)) unwritten = () => releaseClaim(database, token, ids, { isCounted: false })
      else if (others.length > 0) unwritten = () => releaseClaim(database, token, ids, { isCounted: true })
      else unwritten = () => failEvent(database, failure, lease, random)
    }
  }

  async function write(): Promise<void> {
    await unwritten?.().catch((error) => {
      if (!(error instanceof LeaseLostError)) throw error
    })
    unwritten = undefined
  }

  async function checkExpiry(): Promise<void> {
    const now = performance.now()
    if (now - expiryCheckAtMs < EXPIRY_CHECK_MS) return
    await failExpired(database, LEASE_MS, random)
    expiryCheckAtMs = now
  }

  async function pause(): Promise<void> {
    if (!isWoken && !isStopped) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs)
        endPause = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      pauseMs = Math.max(minPauseMs, Math.min(MAX_PAUSE_MS, pauseMs * PAUSE_GROWTH))
    }
    isWoken = false
  }

  const running = run()
  return {
    wake() {
      isWoken = true
      endPause()
    },
    async stop() {
      isStopped = true
      endPause()
      await running
    }
  }
}

/** What the database has said is told as it said it, not as clients are told of it. */
function reasonOf({ cause, message }: Error): string {
  return cause instanceof Error ? cause.message : message
}
