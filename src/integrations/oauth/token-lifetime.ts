const DEFAULT_SECONDS = 300
const MIN_SECONDS = 1
const MAX_SECONDS = 86_400
/** So much before its end a token is not given out any more: it has to arrive, and clocks differ. */
const MARGIN_MS = 30_000
const MARGIN_SHARE = 0.1
/** Of a token's useful life, until it is due to be replaced: by one instance for all, and by each for itself. */
const DUE_SHARE = 0.5
const DUE_ALONE_SHARE = 0.8
/** Each instance takes off a random part of it, so that they do not ask all at once. */
const JITTER_SHARE = 0.1

/**
 * For how long a token of this `expires_in` (RFC 6749, 5.1) is of use, in ms: its lifetime less 30 s, or less a tenth of a
 * short one. The lifetime is taken as 1 s to 24 h, whatever is said. What is not a positive number, or is missing, means
 * 300 s: some providers write 0 for a token without an end, and one that has ended is found out by a 401.
 */
export function usefulMsOf(expiresIn: unknown): number {
  const said = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn
  const isLifetime = typeof said === 'number' && said > 0
  const lifetimeMs = 1000 * (isLifetime ? Math.min(Math.max(said, MIN_SECONDS), MAX_SECONDS) : DEFAULT_SECONDS)
  return Math.floor(lifetimeMs - Math.min(MARGIN_MS, lifetimeMs * MARGIN_SHARE))
}

/**
 * After how much of its useful life a token is due to be replaced, in ms: about half of it, so that a provider may be away
 * for the other half. While instances cannot agree on who does it, most of it.
 * @param random from 0 to 1
 */
export function dueAfterMs(usefulMs: number, random: number): { due: number; dueAlone: number } {
  const jitter = JITTER_SHARE * random
  return { due: usefulMs * (DUE_SHARE - jitter), dueAlone: usefulMs * (DUE_ALONE_SHARE - jitter) }
}
