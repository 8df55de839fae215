import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Database } from '../../../platform/database/database.ts'
import { isContention } from '../../../platform/database/transaction.ts'
import { type StartTimeout, startTimeout as systemTimeout } from '../../../platform/lib/time-limit.ts'
import { createOutageLog } from '../../../platform/logging/outage-log.ts'
import type { Metrics } from '../../../platform/metrics/metrics.ts'
import { type AppliedEvents, applyEvents } from './apply-events.ts'
import { type ClaimedEvent, claimEvents, type EventLease, releaseEvents } from './claim-events.ts'
import { failAttempt, failExpiredLeases, LeaseLostError } from './settle-events.ts'

/** The time limit of a statement of a worker, for the database that it is given. */
export const WORKER_QUERY_TIMEOUT_MS = 5000

const MAX_EVENTS = 100
/** Far longer than a batch can take, as the server ends statements at `WORKER_QUERY_TIMEOUT_MS`. */
const LEASE_MS = 30_000
/** The pauses when there is nothing to do: the first one, the longest one, and the factor from one to the next. */
const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 1000
const PAUSE_GROWTH = 1.5
/** The time between two searches for expired leases. */
const EXPIRY_CHECK_MS = 5000

/** A worker that applies the recorded events to the products. */
export interface WebhookWorker {
  /** Ends the current pause: there are new events. */
  wake(): void
  /** Stops claiming events. Resolves when those that were claimed are done, or given back. */
  stop(): Promise<void>
}

interface WorkerOptions {
  /** A database with a connection of its own, so that the worker and requests do not wait for each other. */
  database: Database
  log: { info(message: string): void; warn(details: object, message: string): void }
  metrics: Metrics
  /** Called after each commit. */
  onApplied: (applied: AppliedEvents) => void
  /** Unix time. */
  nowMs?: () => number
  /** A monotonic clock. */
  monotonicMs?: () => number
  /** Starts the pauses. */
  startTimeout?: StartTimeout
  /** Returns a number from 0 to below 1. */
  random?: () => number
  randomBytes?: (size: number) => Uint8Array
}

/**
 * Opens a worker: it applies events as they arrive until it is stopped, and goes on after any failure. Any number of
 * workers, in any instances, share the work; each event is applied once. Failures go to the log.
 */
export function openWebhookWorker(options: WorkerOptions): WebhookWorker {
  const { database, log, metrics, onApplied } = options
  const { nowMs = Date.now, monotonicMs = () => performance.now(), startTimeout = systemTimeout } = options
  const { random = Math.random, randomBytes = systemRandomBytes } = options
  const outageLog = createOutageLog('The inbox of webhooks', log)
  const measure = createWorkMetrics(metrics)
  let isStopped = false
  let isWoken = false
  let endPause = () => {}
  let pauseMs = MIN_PAUSE_MS
  let expiryCheckedAtMs = Number.NEGATIVE_INFINITY
  /** Writes the outcome of an attempt that failed. It is kept until it succeeds, as the database may have failed too. */
  let writeOutcome: (() => Promise<void>) | undefined

  async function run(): Promise<void> {
    while (!isStopped) {
      try {
        const hasWorked = await step()
        outageLog.up()
        if (hasWorked) pauseMs = MIN_PAUSE_MS
        else await pause()
      } catch (error) {
        outageLog.down(error as Error)
        await pause()
      }
    }
    // If this fails, the lease expires, which counts as a failed attempt.
    await writePending().catch(outageLog.down)
  }

  /** Claims and applies a batch. Returns whether there may be more to do. */
  async function step(): Promise<boolean> {
    await writePending()
    await checkExpiry()
    const lease = { token: Buffer.from(randomBytes(16)), leaseMs: LEASE_MS }
    const events = await claimEvents(database, lease, MAX_EVENTS)
    if (events.length > 0) await work(events, lease)
    return events.length > 0
  }

  async function work(events: readonly ClaimedEvent[], lease: EventLease): Promise<void> {
    const startedAtMs = monotonicMs()
    try {
      const applied = await applyEvents(database, events, lease, { nowMs, randomBytes })
      measure(events, applied, monotonicMs() - startedAtMs)
      onApplied(applied)
    } catch (error) {
      const eventIds = events.map(({ id }) => id)
      log.warn({ err: error, eventIds }, 'webhooks could not be applied and will be retried')
      if (!(error instanceof LeaseLostError)) writeOutcome = () => fail(events, lease, error as Error)
    }
  }

  async function fail(events: readonly ClaimedEvent[], lease: EventLease, error: Error): Promise<void> {
    const ids = events.map(({ id }) => id)
    const [first, ...others] = events
    if (first === undefined) return
    // Lost locks are not the fault of the events, so that does not count as an attempt.
    if (isContention(error)) await releaseEvents(database, ids, lease, { isCounted: false })
    // Any of the events may be the cause: each is retried alone.
    else if (others.length > 0) await releaseEvents(database, ids, lease, { isCounted: true })
    else await failAttempt(database, { id: first.id, attempts: first.attempts, reason: reasonOf(error) }, lease, random)
  }

  async function writePending(): Promise<void> {
    await writeOutcome?.().catch((error) => {
      if (!(error instanceof LeaseLostError)) throw error
    })
    writeOutcome = undefined
  }

  async function checkExpiry(): Promise<void> {
    const now = monotonicMs()
    if (now - expiryCheckedAtMs < EXPIRY_CHECK_MS) return
    await failExpiredLeases(database, LEASE_MS, random)
    expiryCheckedAtMs = now
  }

  async function pause(): Promise<void> {
    if (!isWoken && !isStopped) {
      await new Promise<void>((resolve) => {
        const cancel = startTimeout(resolve, pauseMs)
        endPause = () => {
          cancel()
          resolve()
        }
      })
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * PAUSE_GROWTH)
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

function createWorkMetrics(metrics: Metrics) {
  const processed = metrics.counter({
    name: 'aisle_webhooks_processed_total',
    help: 'Webhook events that this instance has processed, by result: done, stale (newer data was there already), dead (given up after the last attempt).',
    labelNames: ['status']
  })
  const batchSeconds = metrics
    .histogram({
      name: 'aisle_webhooks_batch_duration_seconds',
      help: 'Time from claiming a batch of up to 100 webhook events to committing their effects.'
    })
    .series({})
  const eventSeconds = metrics
    .histogram({
      name: 'aisle_webhooks_processing_seconds',
      help: 'Time from receiving a webhook event to committing its effect.'
    })
    .series({})
  return (events: readonly ClaimedEvent[], { settled }: AppliedEvents, durationMs: number): void => {
    for (const { status } of settled) processed.inc({ status })
    batchSeconds.observe(durationMs / 1000)
    for (const { waitedMs } of events) eventSeconds.observe((waitedMs + durationMs) / 1000)
  }
}

/** Returns the message of the database itself, if there is one, instead of the one for clients. */
function reasonOf({ cause, message }: Error): string {
  return cause instanceof Error ? cause.message : message
}
