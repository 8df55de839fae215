/**
 * Calls a function after a time, unless it is cancelled before.
 * @returns cancels it
 */
export type StartTimeout = (expire: () => void, delayMs: number) => () => void

/**
 * Calls a function after a time, unless it is cancelled before. When the event loop was blocked for that long, timers
 * come before input: what has arrived meanwhile is read first, so that it does not count as late.
 * @returns cancels it
 */
export const startTimeout: StartTimeout = (expire, delayMs) => {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    immediate = setImmediate(expire)
  }, delayMs)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}

/**
 * Waits for a promise, but not longer than a time. The work behind the promise goes on all the same; what comes of it
 * later, value or error, is ignored.
 *
 * @example
 * await withTimeLimit(database.execute(sql, []), 1000, () => { throw databaseTimeout() })
 * @param onTimeout makes what is returned in place of the value when time is up, or throws the error
 * @param start the timer; tests bring their own
 * @returns the value of the promise, or that of `onTimeout`
 * @throws what the promise is rejected with, or what `onTimeout` throws
 */
export function withTimeLimit<Value, Late>(
  work: Promise<Value>,
  timeoutMs: number,
  onTimeout: () => Late,
  start: StartTimeout = startTimeout
): Promise<Value | Late> {
  return new Promise((resolve, reject) => {
    const cancel = start(() => {
      try {
        resolve(onTimeout())
      } catch (error) {
        reject(error)
      }
    }, timeoutMs)
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error) => {
        cancel()
        reject(error)
      }
    )
  })
}

/**
 * Waits for a promise until a signal is aborted. The work behind the promise goes on all the same; what comes of it
 * later, value or error, is ignored.
 * @throws what the promise is rejected with; the reason of the signal as soon as it is aborted, or when it is already
 */
export async function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/**
 * Waits for a time, or until a signal is aborted.
 * @param start the timer; tests bring their own
 * @throws the reason of the signal, as soon as it is aborted
 */
export async function wait(delayMs: number, signal: AbortSignal, start: StartTimeout = startTimeout): Promise<void> {
  const elapsed = Promise.withResolvers<void>()
  const cancel = start(elapsed.resolve, delayMs)
  await unlessAborted(signal, elapsed.promise).finally(cancel)
}
