import type { Connection } from 'mysql2/promise'

/** Resolves when no transaction that has read products is open any longer. */
export async function untilNoneReads(connection: Connection): Promise<void> {
  await connection.query('SET SESSION lock_wait_timeout = 10')
  await connection.query('LOCK TABLES products WRITE')
  await connection.query('UNLOCK TABLES')
}
