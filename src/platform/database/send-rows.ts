import type { Connection } from 'mysql2/promise'

type Value = string | number | Buffer | null

/** A fourth of the smallest usual limit of a statement (16 MiB), even where each character takes its most bytes. */
const STATEMENT_CHARACTERS = 2 ** 20

/**
 * Runs a statement that ends in `VALUES ?`, or has it, over rows of any number and size: many to a statement, and no
 * statement too long for the server.
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
