import { type StartTimeout, startTimeout } from './time-limit.ts'

const INTERVAL_MS = 60_000
/** Between two steps of work in arrears, so that it is no load. */
const PAUSE_MS = 100

interface RepeatOptions {
  /** Does a part of the work; `isComplete` says that nothing is left until the next interval. */
  step: () => Promise<{ isComplete: boolean }>
  /** Time from the end of the work to its next beginning; a minute unless given. */
  intervalMs?: number
  /** Called after each step that fails. The next one begins after the interval. */
  onFailure: (error: Error) => void
  /** Called after each step that succeeds. */
  onSuccess: () => void
  /** Starts the time until the next step. */
  start?: StartTimeout
}

/**
 * Repeats work in intervals, step by step with short pauses, whether it fails or not. The first step begins after an
 * interval.
 * @returns `stop` prevents further steps; one that is running is not interrupted
 */
export function startRepeating(options: RepeatOptions): { stop(): void } {
  const { step, intervalMs = INTERVAL_MS, onFailure, onSuccess, start = startTimeout } = options
  let isStopped = false
  let cancel = start(run, intervalMs)

  async function run() {
    let delayMs = intervalMs
    try {
      const { isComplete } = await step()
      onSuccess()
      if (!isComplete) delayMs = PAUSE_MS
    } catch (error) {
      if (!isStopped) onFailure(error as Error)
    }
    if (!isStopped) cancel = start(run, delayMs)
  }

  return {
    stop() {
      isStopped = true
      cancel()
    }
  }
}
