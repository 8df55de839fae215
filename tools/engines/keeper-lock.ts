import { DatabaseSync } from 'node:sqlite'

const SQLITE_BUSY = 5

/**
 * Takes a lock that the kernel gives back when this process ends, however it ends. Node has no file locks of its own;
 * an exclusive transaction of SQLite on an empty file is one.
 * @returns undefined while another process holds it
 */
export function takeLock(file: string): Disposable | undefined {
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    throw error
  }
}
