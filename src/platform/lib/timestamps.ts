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

const RFC_3339 = new RegExp(
  '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?' +
    '(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$',
  'i'
)
/** What a DATETIME of the database can hold, in any time zone. */
const MIN_YEAR = 1001
const MAX_YEAR = 9998

/**
 * Parses a timestamp as in RFC 3339, such as `2026-03-01T09:30:00.250+01:00`.
 * @returns Unix time in ms; digits beyond milliseconds are cut. Undefined for anything else, for dates that do not exist,
 * and for years before 1001 and after 9998
 */
export function parseRfc3339(text: string): number | undefined {
  const [, year, month, day] = RFC_3339.exec(text) ?? []
  if (Number(year) < MIN_YEAR || Number(year) > MAX_YEAR) return undefined
  // Date would turn 30 February into a day of March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  return year === undefined || Number(day) > lastDay ? undefined : Date.parse(text.toUpperCase())
}
