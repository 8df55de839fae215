import type { SearchTerm } from './search-words.ts'

/**
 * The lengths of the beginnings of a word that have a bit each in a signature, the underscore at its end included. So the
 * bits of a beginning are among those of every word that begins with it, and whole words need no bits of their own. Of the
 * ways that were tried, this one lets the fewest other rows pass: about 3 % for a usual word (docs/decisions/0013).
 */
const BEGINNINGS: readonly number[] = [2, 3, 5, 8]
const PARTS = 6
const PART_BITS = 32

/** The columns of `products` that hold a signature, in the order of its parts. */
export const signatureColumns: readonly string[] = Array.from({ length: PARTS }, (_, part) => `signature_${part}`)

/**
 * The words of a product as 192 bits, small enough for indexes to carry: a Bloom filter (Burton H. Bloom, 1970) of the
 * beginnings of its words, in six unsigned integers of 32 bits. A row that has a word has all bits of that word; a row that
 * has all bits may still lack the word.
 */
export type Signature = readonly number[]

/**
 * Computes the signature of a search column, or the bits that every row has which has all of the search terms.
 * @param words a search column, or the terms of a search
 */
export function signatureOf(words: string | readonly SearchTerm[]): Signature {
  const parts = new Uint32Array(PARTS)
  for (const word of typeof words === 'string' ? words.split(' ') : words) addWord(parts, word.trim())
  return Array.from(parts)
}

/**
 * Returns whether a row may have certain words.
 * @param signature that of the row
 * @param searched that of the words
 */
export function includesSignature(signature: Signature, searched: Signature): boolean {
  for (let part = 0; part < PARTS; part++) {
    const bits = searched[part] ?? 0
    if (((signature[part] ?? 0) & bits) >>> 0 !== bits) return false
  }
  return true
}

/** Makes the conditions on the columns of a row that `includesSignature` tests, and the values for their question marks. */
export function signatureConditions(searched: Signature): { conditions: string[]; params: string[] } {
  const asked = searched.flatMap((bits, part) => (bits === 0 ? [] : [{ bits: String(bits), part }]))
  return {
    // The driver sends numbers as DOUBLE. Text has to be cast, or the server parses it again for each row.
    conditions: asked.map(({ part }) => `${signatureColumns[part]} & CAST(? AS UNSIGNED) = CAST(? AS UNSIGNED)`),
    params: asked.flatMap(({ bits }) => [bits, bits])
  }
}

/** Adds the bits of a word: FNV-1a of each beginning, mixed by the last steps of MurmurHash3. */
function addWord(parts: Uint32Array, word: string): void {
  let hash = 0x811c9dc5
  let at = 0
  for (const length of BEGINNINGS) {
    if (word.length < length) return
    for (; at < length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193)
    let bit = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    bit = Math.imul(bit ^ (bit >>> 13), 0xc2b2ae35)
    bit = ((bit ^ (bit >>> 16)) >>> 0) % (PARTS * PART_BITS)
    const part = Math.floor(bit / PART_BITS)
    parts[part] = (parts[part] ?? 0) | (1 << (bit % PART_BITS))
  }
}
