import { isWellFormed, KEY_LENGTH, KEY_PREFIX } from './key-format.ts'

/** How many characters of a key, after its prefix, are redacted even if it is cut off or misspelt. */
const MIN_CHARACTERS = 20
const CENSOR = '[redacted]'
/** Each character may be percent-encoded. */
const CHARACTER = '(?:[0-9a-z]|%[3-7][0-9a-f])'
const PREFIX = KEY_PREFIX.replace(/./g, (character) => `(?:${character}|%${hex(character)}|%${hex(character, true)})`)
const KEY = new RegExp(`${PREFIX}${CHARACTER}{${MIN_CHARACTERS},}`, 'i')
const ALL_KEYS = new RegExp(KEY, 'gi')
const END_OF_CUT = new RegExp(`${PREFIX}${CHARACTER}*(?:%[0-9a-f]?)?$`, 'i')

/** Checks whether a URL holds an API key, plain or percent-encoded. Takes some 20 ns if there is none. */
export function hasKeyInUrl(url: string): boolean {
  if (!KEY.test(url)) return false
  return [...url.matchAll(ALL_KEYS)].some(([text]) => isWellFormed(decodeURIComponent(text).slice(0, KEY_LENGTH)))
}

/**
 * Replaces everything in a URL that looks like an API key.
 * @param isCut whether the URL was cut off, so it may end within a key
 */
export function redactKeys(url: string, isCut = false): string {
  return (isCut ? url.replace(END_OF_CUT, CENSOR) : url).replace(ALL_KEYS, CENSOR)
}

function hex(character: string, isUpperCase = false): string {
  return (isUpperCase ? character.toUpperCase() : character).charCodeAt(0).toString(16)
}
