import { setTimeout as wait } from 'node:timers/promises'

const POLL_MS = 10

type Answer<T> = T | false | undefined

/**
 * Asks again and again until the answer is neither false nor undefined, and answers it. An error counts as a no.
 * @throws when that takes longer than `timeoutMs`, with what was waited for and the last error
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  ask: () => Answer<T> | Promise<Answer<T>>
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  while (performance.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== undefined) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    await wait(POLL_MS)
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause })
}
