import fc from 'fast-check'
import t from 'tap'
import { createRowGenerator } from '../../../scripts/seed/generate-row.ts'
import { searchColumn, searchTerms } from '../../../src/catalogue/search/search-words.ts'
import { includesSignature, signatureConditions, signatureOf } from '../../../src/catalogue/search/word-signature.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const connection = await testConnection(t, await testConfig(t))

t.test('a row that has the words of a search has all of their bits', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  const word = fc.stringMatching(/^[a-zàéß茶0-9'-]{1,12}$/)
  fc.assert(
    fc.property(fc.array(fc.oneof(word, text), { maxLength: 12 }), fc.nat(), fc.nat(), (words, first, length) => {
      const column = searchColumn(words.join(' '), null)
      const terms = searchTerms(words.slice(first % 12, (first % 12) + (length % 4)).join(' ')) ?? []
      // The beginning of a word is found by each of its own beginnings.
      const shorter = terms.map((term) => (term.endsWith(' ') ? term : term.slice(0, 2 + (length % term.length))))
      return [terms, shorter].every(
        (asked) =>
          !asked.every((term) => column.includes(term)) || includesSignature(signatureOf(column), signatureOf(asked))
      )
    }),
    { numRuns: 3000 }
  )
})

t.test('few rows that lack a word have all of its bits', async (t) => {
  const generateRow = createRowGenerator(7)
  const rows = Array.from({ length: 5000 }, (_, index) => generateRow(index * 100))
  // Whole words, and beginnings of five letters or more.
  for (const search of ['refurbished x', 'prototype', 'limited', 'nordvale', 'headphones black']) {
    const terms = (searchTerms(search) ?? []).filter((term) => term !== ' x')
    const lacking = rows.filter(({ searchWords }) => !terms.every((term) => searchWords.includes(term)))
    const wrong = lacking.filter(({ signature }) => includesSignature(signature, signatureOf(terms)))
    t.ok(wrong.length < lacking.length / 10, `${search}: ${wrong.length} of ${lacking.length}`)
  }
  for (const { signature, searchWords } of rows) t.same(signature, signatureOf(searchWords), { diagnostic: false })
})

t.test('a whole word of four letters differs from longer ones', async (t) => {
  const [lens, lenses] = [signatureOf(' lens_ '), signatureOf(' lenses_ ')]
  t.equal(includesSignature(lenses, signatureOf([' lens_ '])), false)
  t.equal(includesSignature(lenses, signatureOf([' lens'])), true)
  t.equal(includesSignature(lens, signatureOf([' lens'])), true)
})

t.test('the conditions on columns agree with includesSignature', async (t) => {
  for (const [column, term] of [
    [' green_ tea_ ', ' tea_ '],
    [' green_ tea_ ', ' coffee_ '],
    [' green_ tea_ ', ' gre'],
    [' green_ tea_ ', ' g']
  ] as const) {
    const searched = signatureOf([term])
    const { conditions, params } = signatureConditions(searched)
    const row = signatureOf(column).map((bits, part) => `${bits} AS signature_${part}`)
    const [found] = await connection.execute(
      `SELECT 1 FROM (SELECT ${row.join(', ')}) row_of WHERE ${['TRUE', ...conditions].join(' AND ')}`,
      params
    )
    t.equal((found as unknown[]).length === 1, includesSignature(signatureOf(column), searched), `${column}?${term}`)
  }
})
