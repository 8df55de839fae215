import type { SearchTerm } from './search-words.ts'

/**
 * The words of a product as 192 bits, for indexes to carry: a Bloom filter (Burton H. Bloom, 1970) of the beginnings of
 * its words. A row that has a word has all bits of that word; one that has all bits may still lack it.
 *
 * Each word has a bit for its first 2, 3, 5 and 8 characters, the underscore at its end included. So the bits of a
 * beginning are among those of every word that begins with it, and no bits are needed for whole words: of the ways that
 * were tried this one lets the fewest other rows pass, about 3 % for a usual word (docs/decisions/0013).
 */
const BEGINNINGS: readonly number[] = [2, 3, 5, 8]
const PARTS = 6
const PART_BITS = 32

/** In the order of the parts of a signature. */
export const signatureColumns: readonly string[] = Array.from({ length: PARTS }, (_, part) => `signature_${part}`)

/** Six unsigned integers of 32 bits. */
export type Signature = readonly number[]

/** The signature of a search column. Of search terms: the bits of every row that has them all. */
export function signatureOf(words: string | readonly SearchTerm[]): Signature {
  const parts = new Uint32Array(PARTS)
  for (const word of typeof words === 'string' ? words.split(' ') : words) addWord(parts, word.trim())
  return Array.from(parts)
}

/** Whether a row with this signature may have what the other one stands for. */
export function includesSignature(signature: Signature, searched: Signature): boolean {
  for (let part = 0; part < PARTS; part++) {
    const bits = searched[part] ?? 0
    if (((signature[part] ?? 0) & bits) >>> 0 !== bits) return false
  }
  return true
}

/** The conditions on the columns of a row for it to include a signature. What has no bits asks for nothing. */
export function signatureConditions(searched: Signature): { conditions: string[]; params: string[] } {
  const asked = searched.flatMap((bits, part) => (bits === 0 ? [] : [{ bits: String(bits), part }]))
  return {
    // The driver sends numbers as DOUBLE; as text, unless it is cast once, the server reads it again for each row.
    conditions: asked.map(({ part }) => `${signatureColumns[part]} & CAST(? AS UNSIGNED) = CAST(? AS UNSIGNED)`),
    params: asked.flatMap(({ bits }) => [bits, bits])
  }
}

/** FNV-1a, with the last steps of MurmurHash3 to spread it. */
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
