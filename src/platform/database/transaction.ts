import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { AppError } from '../errors/app-error.ts'
import { backoffMs } from '../lib/backoff.ts'

/** Runs work in a transaction, and returns the result of the work. */
export type Transact<T> = (work: (connection: Connection) => Promise<T>) => Promise<T>

/**
 * Runs work in a READ COMMITTED transaction, which sees what others have committed and locks only the rows that it
 * touches. Commits when the work succeeds, rolls back when it fails.
 * @returns the result of the work
 * @throws what the work throws, or the error of the commit
 */
export async function inTransaction<T>(
  connection: Connection,
  work: (connection: Connection) => Promise<T>
): Promise<T> {
  await begin(connection)
  try {
    const result = await work(connection)
    await connection.commit()
    return result
  } catch (error) {
    await rollBack(connection)
    throw error
  }
}

/**
 * Runs work in a READ COMMITTED transaction that is rolled back in any case: a dry run.
 * @returns the result of the work
 * @throws what the work throws
 */
export async function rehearse<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<T> {
  await begin(connection)
  try {
    return await work(connection)
  } finally {
    await rollBack(connection)
  }
}

async function begin(connection: Connection): Promise<void> {
  await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await connection.beginTransaction()
}

/** A connection that cannot roll back is broken. It is not used again, and the server rolls back by itself. */
async function rollBack(connection: Connection): Promise<void> {
  try {
    await connection.rollback()
  } catch {
    connection.destroy()
  }
}

/** The server has rolled back a transaction in favour of another one. */
const LOCK_CONFLICTS: readonly string[] = ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']
const MAX_ATTEMPTS = 8
/** The server has ended one side of a deadlock, so the first attempts need no delay. */
const ATTEMPTS_WITHOUT_DELAY = 2
const BACKOFF = { baseMs: 10, maxMs: 160 }

/**
 * Runs a transaction, and runs it again when it lost against another one: at once the first time, then after a random
 * delay that grows, up to eight attempts in all.
 * @param work a whole transaction, which leaves nothing behind when it fails
 * @param otherConflicts further error codes of the driver that mean a lost race, such as `LOST_RACE`
 * @returns the result of the work
 * @throws the error of the last attempt, or any other error of the work
 */
export async function retryContention<T>(work: () => Promise<T>, otherConflicts: readonly string[] = []): Promise<T> {
  const conflicts: readonly unknown[] = [...LOCK_CONFLICTS, ...otherConflicts]
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!hasCode(error, conflicts) || attempt === MAX_ATTEMPTS) throw error
      const failures = attempt - ATTEMPTS_WITHOUT_DELAY
      if (failures > 0) await wait(backoffMs(failures, BACKOFF, Math.random))
    }
  }
}

/**
 * Error codes of a unique key that another transaction has taken since ours looked: a product with the same id or SKU, or
 * a stored response to the same request.
 */
export const LOST_RACE: readonly string[] = ['ER_DUP_ENTRY']

/** Returns whether a statement failed because another one was faster to take the same unique key, or a lock. */
export function isLostRace(error: unknown): boolean {
  return hasCode(error, [...LOCK_CONFLICTS, ...LOST_RACE])
}

/** Returns whether a transaction failed because it lost against others, however often it was run: it is not at fault. */
export function isContention(error: unknown): boolean {
  return hasCode(error, LOCK_CONFLICTS)
}

/** Looks at the error of the server, also when it is the cause of one of ours. */
function hasCode(error: unknown, codes: readonly unknown[]): boolean {
  const reason = error instanceof AppError ? error.cause : error
  return reason instanceof Error && 'code' in reason && codes.includes(reason.code)
}
