/*
 * Moments, in UTC: `2026-03-01 09:30:00.250` in the database, `2026-03-01T09:30:00.250Z` (RFC 3339) outside.
 */

export function toDatetime(unixMs: number): string {
  return timestampToDatetime(new Date(unixMs).toISOString())
}

export function timestampToDatetime(timestamp: string): string {
  return timestamp.slice(0, -1).replace('T', ' ')
}

/** Unix time. */
export function datetimeToMs(datetime: string): number {
  return Date.parse(datetimeToTimestamp(datetime))
}

/** The driver leaves out milliseconds of zero. */
export function datetimeToTimestamp(datetime: string): string {
  const milliseconds = datetime.length === 19 ? '.000' : ''
  return `${datetime.slice(0, 10)}T${datetime.slice(11)}${milliseconds}Z`
}
