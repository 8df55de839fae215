import { createHash } from 'node:crypto'

/**
 * The rules of search, which are the same on every engine, because Aisle finds the words itself. It writes them to a column
 * of their own, in an alphabet that every FULLTEXT tokeniser leaves as it is.
 *
 * A word is a run of letters, digits and marks in any script, or one pictograph. Case and accents are folded. Parts joined
 * by a hyphen or an apostrophe are words, and so are they together: `T-shirt` is found as `t-shirt`, `t shirt`, `shirt`
 * and `tshirt`; `L'Oréal` as `l'oreal`, `loreal` and `oreal`.
 */
const WORD = /[\p{L}\p{N}\p{M}]+(?:['’ʼ‐-][\p{L}\p{N}\p{M}]+)*|\p{Extended_Pictographic}/gu
const JOINERS = /['’ʼ‐-]/u
const APOSTROPHES = /['’ʼ]/gu

const COMBINING_ACCENTS = /[\u0300-\u036f]/g
const TRADE_MARKS = /[™℠©®]/g
const UNDECOMPOSED: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ς: 'σ'
}
const UNDECOMPOSED_LETTERS = new RegExp(`[${Object.keys(UNDECOMPOSED).join('')}]`, 'g')

/** Long enough for real words, short enough for InnoDB's longest token (84 characters). */
const WORD_MAX_LENGTH = 60
/** InnoDB does not index tokens that are shorter. */
const TOKEN_MIN_LENGTH = 3

/**
 * Makes the search column of a product: each distinct word of its name and description once, between spaces, so that
 * ` word ` finds a whole word and ` wor` the beginning of one.
 */
export function searchColumn(name: string, description: string | null): string {
  const words = new Set<string>()
  for (const text of description === null ? [name] : [name, description]) {
    for (const match of fold(text).match(WORD) ?? []) {
      if (!JOINERS.test(match)) {
        words.add(token(match))
        continue
      }
      const parts = match.split(JOINERS)
      for (const part of parts) words.add(token(part))
      words.add(token(parts.join('')))
    }
  }
  return words.size === 0 ? '' : ` ${[...words].join(' ')} `
}

/** Text that the search column of a product contains if the product has a word: ` word `, or ` wor` for the beginning of one. */
export type SearchTerm = string

/**
 * Reads the terms of a search, all of which a product must have. Of its last word only the beginning needs to be there.
 * @returns null when there is no word in it
 */
export function searchTerms(search: string): SearchTerm[] | null {
  const words =
    fold(search)
      .replace(APOSTROPHES, '')
      .match(WORD)
      ?.flatMap((word) => word.split(JOINERS)) ?? []
  const last = words.pop()
  if (last === undefined) return null
  const whole = [...new Set(words.map((word) => ` ${token(word)} `))]
  const beginning = ` ${encode(last).slice(0, WORD_MAX_LENGTH)}`
  return whole.some((term) => term.startsWith(beginning)) ? whole : [...whole, beginning]
}

/** Makes the FULLTEXT expression, in boolean mode, that finds the products that have all terms. */
export function fullTextExpression(terms: readonly SearchTerm[]): string {
  return terms.map((term) => `+${term.trim()}${term.endsWith(' ') ? '' : '*'}`).join(' ')
}

/**
 * Makes conditions that test terms on the search column of a row, without FULLTEXT, and the values for their question marks.
 * @param column the search column, with its table where needed
 */
export function termConditions(
  terms: readonly SearchTerm[],
  column = 'search_words'
): { conditions: string[]; params: string[] } {
  return { conditions: terms.map(() => `LOCATE(?, ${column}) > 0`), params: [...terms] }
}

function fold(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase()
  return text
    .replace(TRADE_MARKS, ' ')
    .normalize('NFKD')
    .replace(COMBINING_ACCENTS, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(UNDECOMPOSED_LETTERS, (letter) => UNDECOMPOSED[letter] ?? letter)
}

/**
 * Makes the token of a word. An underscore at its end keeps it from being a stop word of the engine, and several make it long
 * enough. A word that is too long is cut; a hash distinguishes it from others with the same beginning.
 */
function token(word: string): string {
  const encoded = encode(word)
  const bounded =
    encoded.length <= WORD_MAX_LENGTH
      ? encoded
      : encoded.slice(0, WORD_MAX_LENGTH) + createHash('sha256').update(encoded).digest('hex').slice(0, 12)
  return `${bounded}_`.padEnd(TOKEN_MIN_LENGTH, '_')
}

/** Writes a word in `a-z`, `0-9` and `_`: other UTF-16 units as `_` and four hexadecimal digits, so that prefixes stay prefixes. */
function encode(word: string): string {
  return word.replace(/[^a-z0-9]/g, (unit) => `_${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
