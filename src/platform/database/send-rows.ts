import type { Connection } from 'mysql2/promise'

type Value = string | number | Buffer | null

/** A quarter of the smallest common limit of a statement (16 MiB), even if each character takes four bytes. */
const STATEMENT_CHARACTERS = 2 ** 20

/**
 * Runs a statement that contains `VALUES ?` for any number of rows of any size. Rows are sent many to a statement, but no
 * statement is too long for the server.
 */
export async function sendRows(
  connection: Connection,
  sql: string,
  rows: readonly (readonly Value[])[]
): Promise<void> {
  let values: (readonly Value[])[] = []
  let characters = 0
  for (const row of rows) {
    values.push(row)
    for (const value of row) if (typeof value === 'string') characters += value.length
    if (characters < STATEMENT_CHARACTERS) continue
    await connection.query(sql, [values])
    values = []
    characters = 0
  }
  if (values.length > 0) await connection.query(sql, [values])
}
