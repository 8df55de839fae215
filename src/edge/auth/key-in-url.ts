import { isWellFormed, KEY_LENGTH, KEY_PREFIX } from './key-format.ts'

/** A key that was cut off or misspelt gives away enough. */
const MIN_CHARACTERS = 20
const CENSOR = '[redacted]'
/** A character of a key, as it is or percent-encoded, once or over and over. */
const CHARACTER = '(?:[0-9a-z]|%(?:25)*[3-7][0-9a-f])'
const ENCODED = /%(?:25)*([3-7][0-9a-f])/gi
const PREFIX = Array.from(KEY_PREFIX, spellings).join('')
const KEY = new RegExp(`${PREFIX}${CHARACTER}{${MIN_CHARACTERS},}`, 'i')
const ALL_KEYS = new RegExp(KEY, 'gi')
const END_OF_CUT = new RegExp(`${PREFIX}${CHARACTER}*(?:%[0-9a-f]*)?$`, 'i')

/** Does a URL hold an API key, in whatever spelling? Takes some 20 ns where there is none. */
export function hasKey(url: string): boolean {
  return KEY.test(url) && [...url.matchAll(ALL_KEYS)].some(([text]) => isWellFormed(decode(text).slice(0, KEY_LENGTH)))
}

/**
 * A URL without what looks like API keys in it.
 * @param isCut whether the URL goes on: then it may end in the midst of a key
 */
export function withoutKeys(url: string, isCut = false): string {
  return (isCut ? url.replace(END_OF_CUT, CENSOR) : url).replace(ALL_KEYS, CENSOR)
}

function decode(text: string): string {
  return text.replace(ENCODED, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
}

function spellings(character: string): string {
  const codes = [character.toLowerCase(), character.toUpperCase()].map((c) => c.charCodeAt(0).toString(16))
  return `(?:${character}|%(?:25)*(?:${codes.join('|')}))`
}
