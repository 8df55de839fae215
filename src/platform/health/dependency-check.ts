export interface CheckResult<T> {
  status: 'ok' | 'down'
  /** How long the check took, in ms. */
  latencyMs: number
  /** What the probe answered, if it did. */
  value?: T
}

interface CheckOptions<T> {
  /** Succeeds when the dependency answers. */
  probe: () => Promise<T>
  timeoutMs: number
  /** How long an answer serves further callers. */
  maxAgeMs: number
}

/**
 * A check that no number of callers can make expensive: it is bounded in time, callers at the same time share one, and
 * its answer is used again for a while.
 */
export function createDependencyCheck<T>({
  probe,
  timeoutMs,
  maxAgeMs
}: CheckOptions<T>): () => Promise<CheckResult<T>> {
  let startedAt = Number.NEGATIVE_INFINITY
  let current: Promise<CheckResult<T>> | undefined

  async function run(): Promise<CheckResult<T>> {
    const from = performance.now()
    const outcome = await within(timeoutMs, probe)
    return { ...outcome, latencyMs: Math.round((performance.now() - from) * 100) / 100 }
  }

  return () => {
    if (current === undefined || performance.now() - startedAt > maxAgeMs) {
      startedAt = performance.now()
      current = run()
    }
    return current
  }
}

async function within<T>(timeoutMs: number, probe: () => Promise<T>): Promise<Omit<CheckResult<T>, 'latencyMs'>> {
  const { promise: tooLate, resolve } = Promise.withResolvers<{ status: 'down' }>()
  const timer = setTimeout(resolve, timeoutMs, { status: 'down' })
  const answered = probe().then(
    (value) => ({ status: 'ok', value }) as const,
    () => ({ status: 'down' }) as const
  )
  const outcome = await Promise.race([answered, tooLate])
  clearTimeout(timer)
  return outcome
}
