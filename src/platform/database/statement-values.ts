import type { Connection } from 'mysql2/promise'

/**
 * Writes the placeholders of a list, such as that of `IN (…)`.
 * @param count at least 1
 * @returns `?, ?, ?` for 3
 */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

/**
 * Pads the values of a list to a fixed count by repeating the last one, which changes nothing in `IN (…)` or `FIELD(…)`.
 * With `placeholders(count)` each list of up to `count` values is the same prepared statement; otherwise there would be
 * one for each length, and each connection keeps only so many.
 *
 * @example
 * const sql = `DELETE FROM events WHERE id IN (${placeholders(100)})`
 * await database.execute(sql, padValues(ids, 100))
 * @throws {RangeError} when there are no values, or more than `count`
 */
export function padValues<Value>(values: readonly Value[], count: number): Value[] {
  if (values.length === 0 || values.length > count) throw new RangeError(`${values.length} values for ${count} places`)
  const last = values.at(-1) as Value
  return Array.from({ length: count }, (_, place) => (place < values.length ? (values[place] as Value) : last))
}

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
