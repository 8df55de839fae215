import type { Connection, RowDataPacket } from 'mysql2/promise'

/**
 * Takes a named lock of the server (`GET_LOCK`). The lock belongs to the session, and ends with the connection at the
 * latest.
 * @param name at most 64 characters, case-insensitive, shared by all databases of the server
 * @returns false when another session still holds the lock after `waitSeconds`
 */
export async function takeLock(connection: Connection, name: string, waitSeconds: number): Promise<boolean> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS taken', [name, waitSeconds])
  return row?.taken === 1
}

/**
 * Releases a named lock, and never throws. If the connection may still hold the lock, the connection is closed, so that
 * other sessions can take the lock.
 */
export async function releaseLock(connection: Connection, name: string): Promise<void> {
  if (!(await isReleased(connection, name))) connection.destroy()
}

async function isReleased(connection: Connection, name: string): Promise<boolean> {
  try {
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT RELEASE_LOCK(?) AS released', [name])
    return row?.released === 1
  } catch {
    // The connection is broken, which its user has noticed already, or will.
    return false
  }
}
