import type { Connection } from 'mysql2/promise'

/** Runs work in a transaction, and answers what the work answers. */
export type Transact<T> = (work: (connection: Connection) => Promise<T>) => Promise<T>

/**
 * Runs work in a transaction that sees what others have committed, and locks nothing but the rows that it touches.
 * Commits when the work is done, rolls back when it fails.
 * @throws whatever the work throws
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
 * Runs work in such a transaction, answers what the work answers, and takes all of it back.
 * @throws whatever the work throws
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

/** A connection that cannot even do this is broken, and is not used again: the server rolls back by itself. */
async function rollBack(connection: Connection): Promise<void> {
  try {
    await connection.rollback()
  } catch {
    connection.destroy()
  }
}
