/** RFC 3339. */
const MOMENT = new RegExp(
  '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?' +
    '(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$',
  'i'
)
/** What the database can hold, in any zone. */
const MIN_YEAR = 1001
const MAX_YEAR = 9998

/** Reads a moment as in RFC 3339: Unix time, to the millisecond; undefined where there is no such moment. */
export function parseRfc3339(text: string): number | undefined {
  const [, year, month, day] = MOMENT.exec(text) ?? []
  if (Number(year) < MIN_YEAR || Number(year) > MAX_YEAR) return undefined
  // Of the days from the 29th on, Date makes days of the next month.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  return year === undefined || Number(day) > lastDay ? undefined : Date.parse(text.toUpperCase())
}
