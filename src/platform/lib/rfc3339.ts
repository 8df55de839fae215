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
