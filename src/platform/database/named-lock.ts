import type { Connection, RowDataPacket } from 'mysql2/promise'

/**
 * Takes a lock of the server. It belongs to the session, and ends with the connection at the latest.
 * @param name at most 64 characters, whose case does not count; one for all databases of the server
 * @returns false when another session holds it after the time to wait
 */
export async function takeLock(connection: Connection, name: string, waitSeconds: number): Promise<boolean> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS taken', [name, waitSeconds])
  return row?.taken === 1
}

/**
 * Gives a lock back. It does not throw: a connection that may still hold the lock is closed, as nobody could take it
 * otherwise.
 */
export async function releaseLock(connection: Connection, name: string): Promise<void> {
  if (!(await isReleased(connection, name))) connection.destroy()
}

async function isReleased(connection: Connection, name: string): Promise<boolean> {
  try {
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT RELEASE_LOCK(?) AS released', [name])
    return row?.released === 1
  } catch {
    // The connection is broken: the work before this has told so, or its next user would have been told.
    return false
  }
}
