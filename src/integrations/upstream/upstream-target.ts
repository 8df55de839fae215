/** What a call is about. */
export interface Target {
  /** The parts of the path, not encoded: `['availability', sku]`. */
  path: readonly string[]
  /** What is undefined is left out. */
  query?: Readonly<Record<string, string | number | undefined>> | undefined
}

/**
 * The path and query of a call. No part can be read as more than one, or as a way upwards.
 * @throws {RangeError} where a part is one: it would be, whichever way it is encoded
 */
export function encodeTarget({ path, query }: Target): string {
  const encoded = path.map((part) => `/${encodePart(part)}`).join('')
  if (query === undefined) return encoded
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  return parameters.size === 0 ? encoded : `${encoded}?${parameters}`
}

function encodePart(part: string): string {
  if (isDotSegment(part)) throw new RangeError('a part of a path must not be . or ..')
  return encodeURIComponent(part)
}

/** Servers and proxies take these for ways, also as `%2e` (WHATWG URL, 4.3). */
export function isDotSegment(part: string): boolean {
  return part === '.' || part === '..'
}
