import { createSharedLoad } from '../lib/single-flight.ts'
import { type StartTimeout, startTimeout, withTimeLimit } from '../lib/time-limit.ts'

/** The result of asking a dependency whether it answers. */
export interface CheckResult<Value> {
  status: 'ok' | 'down'
  /** How long the check took, in ms. */
  latencyMs: number
  /** What the probe returned; absent when the dependency is down. */
  value?: Value
}

interface CheckOptions<Value> {
  /** Resolves when the dependency answers. */
  probe: () => Promise<Value>
  /** A probe that takes longer counts as failed. */
  timeoutMs: number
  /** For how long after its start a check serves further callers. */
  maxAgeMs: number
  /** A monotonic clock, in ms. */
  nowMs?: (() => number) | undefined
  /** Starts the time limit of a probe. */
  start?: StartTimeout | undefined
}

/**
 * Makes a check of a dependency that no number of callers can make expensive: each check is bounded in time, callers at
 * the same time share one check, and its result is used again for a while.
 * @returns a function that never throws
 */
export function createDependencyCheck<Value>(options: CheckOptions<Value>): () => Promise<CheckResult<Value>> {
  const { probe, timeoutMs, maxAgeMs, nowMs = () => performance.now(), start = startTimeout } = options

  async function check(): Promise<CheckResult<Value>> {
    const startedAtMs = nowMs()
    const answer = probe().then(
      (value) => ({ status: 'ok', value }) as const,
      () => ({ status: 'down' }) as const
    )
    const result = await withTimeLimit(answer, timeoutMs, () => ({ status: 'down' }) as const, start)
    return { ...result, latencyMs: Math.round((nowMs() - startedAtMs) * 100) / 100 }
  }

  return createSharedLoad({ load: check, maxAgeMs, nowMs })
}
