/** Nothing waits longer. */
const DAY_MS = 86_400_000

/**
 * Reads a `Retry-After` header field (RFC 9110, section 10.2.3): seconds, or an HTTP date.
 * @param nowMs the current Unix time, in ms
 * @param maxMs the longest result; a day by default
 * @returns ms from now, 0 to `maxMs`; undefined when the field is absent or cannot be read
 */
export function parseRetryAfter(
  value: string | string[] | undefined,
  nowMs: number,
  maxMs = DAY_MS
): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^[0-9]{1,15}$/.test(value)) return Math.min(Number(value) * 1000, maxMs)
  const at = /^[A-Z][a-z]{2,8}, .+ GMT$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - nowMs), maxMs)
}
