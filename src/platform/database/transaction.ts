import type { Connection } from 'mysql2/promise'

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
