import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/*
 * A key is `aisle_`, 32 random characters and 6 of a checksum, as the tokens of GitHub have it: scanners find it in
 * places where it should not be, a double click selects it, and a typo is refused without a look-up.
 *
 * There is no id in it: the whole key is hashed, and found by its hash in an index. The time that this takes may tell how
 * much of a hash is right, but nobody can make a key to a hash, so no measuring leads to a key, or tells that there is one.
 * Nothing here compares a secret with what a client sends; whoever has to, takes `timingSafeEqual`.
 */

export const KEY_PREFIX = 'aisle_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Of 190 bits. */
const RANDOM_LENGTH = 32
/** As many as the largest checksum needs, 62 ** 6 > 2 ** 32. */
const CHECKSUM_LENGTH = 6
const PAYLOAD_LENGTH = KEY_PREFIX.length + RANDOM_LENGTH
export const KEY_LENGTH = PAYLOAD_LENGTH + CHECKSUM_LENGTH
const FORM = new RegExp(`^${KEY_PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`)
/** The largest multiple of 62 in a byte: bytes from here on would make some characters likelier than others. */
const UNBIASED_BYTES = 248

/** Makes a new key. */
export function generateKey(randomBytes: (size: number) => Uint8Array): string {
  let payload = KEY_PREFIX
  while (payload.length < PAYLOAD_LENGTH) {
    const [byte = UNBIASED_BYTES] = randomBytes(1)
    if (byte < UNBIASED_BYTES) payload += ALPHABET[byte % ALPHABET.length]
  }
  return payload + checksum(payload)
}

/**
 * Can this be a key? CRC-32 finds every change within 32 bits, so one wrong character or two neighbours in the wrong
 * order are always found, before or in the checksum; of all other texts of the right form one in 4 billion passes.
 */
export function isWellFormed(text: string): boolean {
  return FORM.test(text) && checksum(text.slice(0, PAYLOAD_LENGTH)) === text.slice(PAYLOAD_LENGTH)
}

/** SHA-256, in hexadecimal digits. A slow hash is for secrets that can be guessed. */
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
