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
