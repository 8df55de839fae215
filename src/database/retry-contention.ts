/** The server has rolled back a transaction in favour of another one. */
const LOCK_CONFLICTS: readonly string[] = ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']
const MAX_ATTEMPTS = 5

/**
 * Runs a transaction again that has lost against another one. The server ends one side of a deadlock at once, so that
 * the next attempt has its way: there is no need to wait.
 * @param work a whole transaction, which leaves nothing behind when it fails
 * @param otherConflicts more error codes that mean a lost race
 */
export async function retryContention<T>(work: () => Promise<T>, otherConflicts: readonly string[] = []): Promise<T> {
  const conflicts: readonly unknown[] = [...LOCK_CONFLICTS, ...otherConflicts]
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isConflict = error instanceof Error && 'code' in error && conflicts.includes(error.code)
      if (!isConflict || attempt === MAX_ATTEMPTS) throw error
    }
  }
}
