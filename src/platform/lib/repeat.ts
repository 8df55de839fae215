const INTERVAL_MS = 60_000
/** Between two steps, so that a long arrear is no load: with a hundred rows each, up to a thousand a second. */
const PAUSE_MS = 100

export interface RepeatedPurgeOptions {
  /** Deletes some rows, and says how many, and whether no more are to go. */
  step: () => Promise<{ purged: number; isComplete: boolean }>
  intervalMs?: number
  onPurged: (rows: number) => void
  onFailure: (error: Error) => void
  onSuccess: () => void
}

/** Purges each minute unless said, step by step, until it is stopped. Goes on after any failure. */
export function repeatPurge(options: RepeatedPurgeOptions): { stop(): void } {
  const { step, intervalMs = INTERVAL_MS, onPurged, onFailure, onSuccess } = options
  let isStopped = false
  let timer = setTimeout(purge, intervalMs)

  async function purge() {
    let delayMs = intervalMs
    try {
      const { purged, isComplete } = await step()
      onPurged(purged)
      onSuccess()
      if (!isComplete) delayMs = PAUSE_MS
    } catch (error) {
      if (!isStopped) onFailure(error as Error)
    }
    if (!isStopped) timer = setTimeout(purge, delayMs)
  }

  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    }
  }
}
