import fc from 'fast-check'
import t from 'tap'
import { fullTextExpression, searchColumn, searchTerms } from '../../../src/catalogue/search/search-words.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)

async function finds(search: string): Promise<string[]> {
  const terms = searchTerms(search)
  if (terms === null) return []
  const [rows] = await connection.execute(
    'SELECT name FROM products WHERE MATCH (search_words) AGAINST (? IN BOOLEAN MODE)',
    [fullTextExpression(terms)]
  )
  return (rows as { name: string }[]).map(({ name }) => name)
}

t.test('products are found by what people type', async (t) => {
  const found: Readonly<Record<string, string[]>> = {
    'The TV 5G Set': ['tv', 'TV', '5g', 'the tv', 'the', 'set 5g', 'se'],
    "L'Oréal Crème": ["l'oréal", 'l’oreal', 'loreal', 'oreal', 'creme', 'CRÈME', 'l oreal', 'lor'],
    '7-Up Lime': ['7-up', '7up', '7 up', 'up', '7', '7-u'],
    'Basmati Rice 500 ml & 500g': ['500 ml', '500g', 'rice 500', '500'],
    "Men's T‑Shirt": ["men's", 'mens', 'men', 't-shirt', 'tshirt', 'shirt', 't shirt'],
    Straße: ['strasse', 'straße', 'STRASSE'],
    '緑茶 Green': ['緑茶', '緑', 'green'],
    'Чай Ёлка': ['чай', 'ёлка', 'елка', 'ЧА'],
    '한국 김치': ['김치', '한국 김치'],
    'Apple 🍎 Juice™': ['🍎', 'juice', 'apple 🍎'],
    'ﬁne Ⅻ ½': ['fine', 'xii'],
    'It is what it is': ['is', 'it', 'what', 'it is'],
    'a b c': ['a', 'b', 'c b a'],
    Pneumonoultramicroscopicsilicovolcanoconiosispneumonoultramicroscopicsilico: [
      'pneumonoultra',
      'Pneumonoultramicroscopicsilicovolcanoconiosispneumonoultramicroscopicsilico'
    ]
  }
  await insertProducts(
    connection,
    Object.keys(found).map((name) => ({ name }))
  )
  for (const [name, searches] of Object.entries(found)) {
    for (const search of searches) t.ok((await finds(search)).includes(name), `«${search}» finds «${name}»`)
  }
})

t.test('every word must be there, and only the last one may be the beginning of a word', async (t) => {
  t.same(await finds('gree 緑茶'), [])
  t.same(await finds('tv lime'), [])
  t.same(await finds('thexx'), [])
  t.same(await finds('th 5g'), [], 'a beginning of a stop word')
})

t.test('a search without a word is none', async (t) => {
  for (const search of ['', ' ', '+-*()~<>@', '"', '%', '_', '\u0000', '™', "'"])
    t.equal(searchTerms(search), null, search)
})

t.test('the column has only characters that tokenisers leave alone, and every word is found in it', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(
    fc.property(text, text, (name, description) => {
      const column = searchColumn(name, description)
      if (!/^( [a-z0-9_]{3,73})*( |$)$/.test(column)) throw new Error(column)
      for (const source of [name, description]) {
        const missing = (searchTerms(source) ?? []).filter((term) => !column.includes(term))
        if (missing.length > 0) throw new Error(`${missing} not in ${column}`)
      }
    }),
    { numRuns: 2000 }
  )
})

t.test('long words that differ only near the end stay different', async (t) => {
  const long = 'x'.repeat(70)
  t.not(searchColumn(`${long}a`, null), searchColumn(`${long}b`, null))
})

t.test('a word that occurs twice in a search is one term', async (t) => {
  t.same(searchTerms('tea tea'), [' tea_ '])
  t.same(searchTerms('tea te'), [' tea_ '], 'with its beginning')
  t.same(searchTerms('te tea'), [' te_ ', ' tea'])
})
