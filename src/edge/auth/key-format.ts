import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/*
 * A key is `aisle_`, 32 random characters, and a checksum of 6, like the tokens of GitHub: scanners find leaked keys, a
 * double click selects a key, and a typo is refused without a look-up.
 *
 * A key contains no id: the whole key is hashed, and found by its hash in an index. The time of that look-up may reveal how
 * much of a hash is right, but nobody can find a key for a hash, so timing reveals neither a key nor that one exists.
 * Nothing here compares a secret with client input; code that does must use `timingSafeEqual`.
 */

/** The beginning of every key. */
export const KEY_PREFIX = 'aisle_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 190 bits. */
const RANDOM_LENGTH = 32
/** Enough for any checksum: 62 ** 6 > 2 ** 32. */
const CHECKSUM_LENGTH = 6
const PAYLOAD_LENGTH = KEY_PREFIX.length + RANDOM_LENGTH
/** The length of every key, in characters. */
export const KEY_LENGTH = PAYLOAD_LENGTH + CHECKSUM_LENGTH
const FORM = new RegExp(`^${KEY_PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`)
/** The largest multiple of 62 in a byte. Using bytes from here on would make some characters likelier than others. */
const UNBIASED_BYTES = 248

/** Generates a new key. */
export function generateKey(randomBytes: (size: number) => Uint8Array): string {
  let payload = KEY_PREFIX
  while (payload.length < PAYLOAD_LENGTH) {
    const [byte = UNBIASED_BYTES] = randomBytes(1)
    if (byte < UNBIASED_BYTES) payload += ALPHABET[byte % ALPHABET.length]
  }
  return payload + checksum(payload)
}

/**
 * Checks the form and the checksum of a key. CRC-32 detects every change within 32 bits, so one wrong character, or two
 * swapped neighbours, are always detected; of all other texts of the right form one in 4 billion passes.
 */
export function isWellFormed(text: string): boolean {
  return FORM.test(text) && checksum(text.slice(0, PAYLOAD_LENGTH)) === text.slice(PAYLOAD_LENGTH)
}

/** Hashes a key: SHA-256, in hexadecimal digits. A key cannot be guessed, so it needs no slow hash. */
export function hashKey(key: string): string {
  return hash('sha256', key)
}

function checksum(payload: string): string {
  let rest = crc32(payload)
  let digits = ''
  while (digits.length < CHECKSUM_LENGTH) {
    digits = ALPHABET[rest % ALPHABET.length] + digits
    rest = Math.floor(rest / ALPHABET.length)
  }
  return digits
}

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
