/*
 * Times, always UTC: `2026-03-01 09:30:00.250` in the database (DATETIME), `2026-03-01T09:30:00.250Z` elsewhere (RFC 3339).
 */

/** Converts Unix time in ms to a DATETIME with milliseconds. */
export function toDatetime(unixMs: number): string {
  return timestampToDatetime(new Date(unixMs).toISOString())
}

/** Converts an RFC 3339 timestamp in UTC (`…Z`) to a DATETIME. */
export function timestampToDatetime(timestamp: string): string {
  return timestamp.slice(0, -1).replace('T', ' ')
}

/** Converts a DATETIME to Unix time in ms. */
export function datetimeToMs(datetime: string): number {
  return Date.parse(datetimeToTimestamp(datetime))
}

/** Converts a DATETIME to an RFC 3339 timestamp with milliseconds; the driver leaves out milliseconds of zero. */
export function datetimeToTimestamp(datetime: string): string {
  const milliseconds = datetime.length === 19 ? '.000' : ''
  return `${datetime.slice(0, 10)}T${datetime.slice(11)}${milliseconds}Z`
}
