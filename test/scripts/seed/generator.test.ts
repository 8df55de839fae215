import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { PRICE_PATTERN, SKU_PATTERN } from '../../../schemas/patterns.ts'
import { type CatalogueRow, createRowGenerator } from '../../../scripts/seed/generate-row.ts'
import { toLine } from '../../../scripts/seed/load-rows.ts'
import { MAX_ROWS } from '../../../scripts/seed/shop-calendar.ts'
import { ABSENT_WORD, wordShares } from '../../../scripts/seed/vocabulary.ts'
import { normalizeText } from '../../../src/catalogue/products/fields.ts'
import { searchColumn } from '../../../src/catalogue/search/search-words.ts'
import { signatureColumns } from '../../../src/catalogue/search/word-signature.ts'

const ROWS = 100_000

function generate(seed: number, count: number, start = 0): CatalogueRow[] {
  const generateRow = createRowGenerator(seed)
  return Array.from({ length: count }, (_, offset) => generateRow(start + offset))
}

function countBy<Key>(rows: readonly CatalogueRow[], keyOf: (row: CatalogueRow) => Key): Map<Key, number> {
  const counts = new Map<Key, number>()
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return counts
}

const rows = generate(42, ROWS)
const share = (test: (row: CatalogueRow) => boolean) => rows.filter(test).length / ROWS

t.test('the catalogue of a seed is the same bytes on every machine and in every release', async (t) => {
  const sample = [...rows.slice(0, 1000), ...generate(42, 1000, 1_000_000), ...generate(42, 1000, MAX_ROWS - 1000)]
  // Without the signatures of the words, which are how this release looks for them.
  const lines = sample.map((row) => `${toLine(row).split('\t').slice(0, -signatureColumns.length).join('\t')}\n`)
  const hash = createHash('sha256').update(lines.join(''))
  t.equal(hash.digest('hex'), 'b0f41b60c576190671834787beacb954cdbda18050a275285828f14200840beb')
})

t.test('a row depends on its seed and its index alone', async () => {
  const index = fc.integer({ min: 0, max: MAX_ROWS - 1 })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.array(index, { minLength: 2, maxLength: 20 }),
      (seed, indexes) => {
        const generateRow = createRowGenerator(seed)
        const once = new Map(indexes.map((index) => [index, toLine(generateRow(index))]))
        return indexes.toReversed().every((index) => toLine(createRowGenerator(seed)(index)) === once.get(index))
      }
    )
  )
})

t.test('different seeds share no rows', async (t) => {
  const other = generate(43, 10_000)
  const skus = new Set(rows.map(({ sku }) => sku))
  const ids = new Set(rows.map(({ id }) => id.toString('hex')))
  t.notOk(other.some(({ sku, id }) => (sku !== null && skus.has(sku)) || ids.has(id.toString('hex'))))
})

t.test('the search column matches the text', async (t) => {
  const wrong = rows.find(({ name, description, searchWords }) => searchWords !== searchColumn(name, description))
  t.equal(wrong, undefined)
})

t.test('every row is a valid product of the API', async (t) => {
  const [sku, price] = [new RegExp(SKU_PATTERN), new RegExp(PRICE_PATTERN)]
  const isText = (text: string | null, maxLength: number) =>
    text === null || (text === normalizeText(text) && text.length <= maxLength && !text.includes('\\'))
  const wrong = rows.filter(
    (row) =>
      !(row.sku === null || sku.test(row.sku)) ||
      !price.test(row.price) ||
      !(isText(row.name, 255) && isText(row.description, 5000) && isText(row.category, 100)) ||
      !(Number.isInteger(row.stock) && row.stock >= 0)
  )
  t.same(wrong, [])
  t.equal(countBy(rows, ({ id }) => id.toString('hex')).size, ROWS, 'ids are unique')
  const skus = rows.flatMap(({ sku }) => sku ?? [])
  t.equal(new Set(skus).size, skus.length, 'skus are unique')
})

t.test('rows are in the order of their time, and ids begin with it', async (t) => {
  for (const part of [rows.slice(0, 20_000), generate(7, 20_000, 5_000_000)]) {
    const wrong = part.filter(
      ({ id, created_at, updated_at }, index) =>
        created_at < (part[index - 1]?.created_at ?? '') ||
        updated_at < created_at ||
        id.readUIntBE(0, 6) !== Date.parse(`${created_at.replace(' ', 'T')}Z`)
    )
    t.same(wrong, [])
  }
})

t.test('marked words have their documented shares, and some never meet', async (t) => {
  for (const [word, expected] of Object.entries(wordShares)) {
    const actual = share(({ searchWords }) => searchWords.includes(` ${word}_ `))
    const deviation = Math.sqrt((expected * (1 - expected)) / ROWS)
    t.ok(Math.abs(actual - expected) < 4 * deviation, `${word}: ${actual}`)
  }
  t.equal(
    share(({ searchWords }) => searchWords.includes(ABSENT_WORD)),
    0
  )
  t.equal(
    share(({ searchWords }) => / handmade_ .* imported_ | imported_ .* handmade_ /.test(searchWords)),
    0
  )
})

t.test('values are distributed as in real shops', async (t) => {
  const most = (counts: Map<unknown, number>) => [...counts.values()].sort((a, b) => b - a)
  const categories = most(countBy(rows, ({ category }) => category))
  t.ok(categories.length >= 40 && (categories[0] ?? 0) > 8 * (categories[12] ?? 0), 'few categories are large')
  t.ok((most(countBy(rows, ({ price }) => price))[20] ?? 0) > 500, 'prices tie')
  t.ok((most(countBy(rows, ({ created_at }) => created_at))[5] ?? 0) === 2048, 'imports share their time')
  t.ok((most(countBy(rows, ({ updated_at }) => updated_at))[5] ?? 0) > 1000, 'so do repricings')
  t.ok(share(({ price }) => /\.(99|49|00|95)$/.test(price)) > 0.9, 'prices end as shops like them')
  const prices = rows.map(({ price }) => Number(price)).sort((a, b) => a - b)
  t.ok((prices[ROWS / 2] ?? 0) < 40 && (prices[ROWS * 0.99] ?? 0) > 500, 'most are cheap, some are dear')
  const stocks = rows.map(({ stock }) => stock).sort((a, b) => a - b)
  t.ok(stocks[ROWS * 0.19] === 0 && (stocks[ROWS / 2] ?? 0) < 100 && (stocks.at(-1) ?? 0) > 800, 'so are stocks')
  t.ok(share(({ sku }) => sku === null) > 0.01, 'some have no sku')
  t.ok(share(({ description }) => description === null) > 0.05, 'some have no description')
  t.ok(share(({ category }) => category === null) > 0.01, 'some have no category')
})

t.test('some categories only have old products, some only new ones', async (t) => {
  const timesOf = (name: string) => rows.filter(({ category }) => category === name).map(({ created_at }) => created_at)
  t.ok((timesOf('Fax & Typewriters').at(-1) ?? '') < '2022-06')
  t.ok((timesOf('Smart Home')[0] ?? '') > '2022-12')
})
