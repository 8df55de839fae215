import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../errors/app-error.ts'
import { backoffMs } from '../lib/backoff.ts'

/** The server has rolled back a transaction in favour of another one. */
const LOCK_CONFLICTS: readonly string[] = ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']
const MAX_ATTEMPTS = 8
const AT_ONCE = 2
/** The delay before the third attempt and later ones. */
const BACKOFF = { baseMs: 10, maxMs: 160 }

/**
 * Runs a transaction again that has lost against another one: at once, as the server has ended one side of a deadlock; but
 * whoever goes on losing steps aside, for a random time that doubles at its longest with each attempt.
 * @param work a whole transaction, which leaves nothing behind when it fails
 * @param otherConflicts more error codes that mean a lost race
 */
export async function retryContention<T>(work: () => Promise<T>, otherConflicts: readonly string[] = []): Promise<T> {
  const conflicts: readonly unknown[] = [...LOCK_CONFLICTS, ...otherConflicts]
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!hasCode(error, conflicts) || attempt === MAX_ATTEMPTS) throw error
      if (attempt > AT_ONCE) await wait(backoffMs(attempt - AT_ONCE, BACKOFF, Math.random))
    }
  }
}

/** Somebody else has taken a unique key since we looked: a row with the same id or sku, or an answer to the same request. */
export const LOST_RACE: readonly string[] = ['ER_DUP_ENTRY']

/** Was a statement of ours refused because another one was quicker to take the same unique key, or a lock? */
export function isLostRace(error: unknown): boolean {
  return hasCode(error, [...LOCK_CONFLICTS, ...LOST_RACE])
}

/** Has a transaction lost against others, however often it was run? That is no fault of its own. */
export function isContention(error: unknown): boolean {
  return hasCode(error, LOCK_CONFLICTS)
}

/** An error of the server, also where it was told as one of ours. */
function hasCode(error: unknown, codes: readonly unknown[]): boolean {
  const reason = error instanceof AppError ? error.cause : error
  return reason instanceof Error && 'code' in reason && codes.includes(reason.code)
}
