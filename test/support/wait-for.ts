import { setTimeout as wait } from 'node:timers/promises'

const POLL_MS = 10
/** A limit for tests that fail: what comes in the end may come late on a busy machine. */
const TIMEOUT_MS = 60_000

type Answer<T> = T | false | null | undefined

/**
 * Calls a function every 10 ms until it returns something other than false, null or undefined. An error counts as false.
 * @param what what is waited for, for the message of the error
 * @returns what the function returned
 * @throws after `timeoutMs`, with the last error as its cause
 */
export async function waitFor<T>(
  what: string,
  ask: () => Answer<T> | Promise<Answer<T>>,
  timeoutMs = TIMEOUT_MS
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  while (performance.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== null && answer !== undefined) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    await wait(POLL_MS)
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause })
}
