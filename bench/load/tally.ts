/** A count for each kind of event, such as each kind of error. */
export type Tally = Map<string, number>

/** Adds to the count of one kind. */
export function count(tally: Tally, what: string, times = 1): void {
  if (times > 0) tally.set(what, (tally.get(what) ?? 0) + times)
}

/** Sums all counts. */
export function total(tally: Tally): number {
  return tally.values().reduce((sum, times) => sum + times, 0)
}

/** Adds the counts of another tally. */
export function addAll(tally: Tally, other: Tally): void {
  for (const [what, times] of other) count(tally, what, times)
}

/** Formats a tally, for example `status 503 (12), wrong body (1)`. */
export function describeTally(tally: Tally): string {
  return [...tally].map(([what, times]) => `${what} (${times.toLocaleString('en')})`).join(', ')
}
