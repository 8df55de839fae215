import { searchColumn } from '../../src/catalogue/search/search-words.ts'
import { type Signature, signatureOf } from '../../src/catalogue/search/word-signature.ts'

/** A word of the search column, shared by all phrases that contain it. */
interface Token {
  text: string
  signature: Signature
  /** The number of the last text that used it. */
  usedIn: number
}

/** A piece of text whose search words are computed once, and used in many rows. */
export interface Phrase {
  text: string
  tokens: readonly Token[]
}

const tokens = new Map<string, Token>()
let textNumber = 0

/** Creates a phrase. Joining phrases by blanks or punctuation keeps the words of each. */
export function createPhrase(text: string): Phrase {
  const words = searchColumn(text, null).split(' ').filter(Boolean)
  return { text, tokens: words.map(intern) }
}

function intern(text: string): Token {
  const known = tokens.get(text)
  if (known !== undefined) return known
  const token = { text, signature: signatureOf(text), usedIn: 0 }
  tokens.set(text, token)
  return token
}

/** Computes the search column and the signature of a text from its phrases, without splitting the text into words. */
export function searchColumnOf(phrases: readonly Phrase[]): { searchWords: string; signature: Signature } {
  textNumber++
  let column = ' '
  const signature = [0, 0, 0, 0, 0, 0]
  for (const { tokens } of phrases) {
    for (const token of tokens) {
      if (token.usedIn === textNumber) continue
      token.usedIn = textNumber
      column += token.text
      column += ' '
      for (let part = 0; part < signature.length; part++) {
        signature[part] = ((signature[part] ?? 0) | (token.signature[part] ?? 0)) >>> 0
      }
    }
  }
  return { searchWords: column, signature }
}
