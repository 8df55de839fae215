import type { RowDataPacket } from 'mysql2'
import t from 'tap'
import { SORT_KEYS } from '../../../schemas/products.ts'
import { seedCatalogue } from '../../../scripts/seed/seed-catalogue.ts'
import { createCatalogueSampler, drawSample } from '../../../src/catalogue/listing/plan/catalogue-sample.ts'
import { sortColumns } from '../../../src/catalogue/listing/read/statements.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const ROWS = 40_000

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { database } = await testApp(t, config)

t.test('an empty catalogue has an empty sample', async (t) => {
  t.same((await drawSample(database)).products, [])
})

t.test('a sample is random, and estimates the number of products', async (t) => {
  await seedCatalogue(config.mysql, { rows: ROWS, seed: 5 })
  const { products, weight } = await drawSample(database)
  t.equal(weight, 64)
  const total = products.length * weight
  t.ok(total > 0.85 * ROWS && total < 1.15 * ROWS, `about ${total} products`)
  const [[row]] = await connection.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM products WHERE category = 'Books'")
  const books = products.filter(({ category }) => category === 'Books').length * weight
  t.ok(books > 0.4 * row?.n && books < 1.6 * row?.n, `about ${books} of ${row?.n} books`)
})

t.test('a sample is sorted as the database sorts', async (t) => {
  const names = [
    'tea',
    'Tea',
    'Téa',
    'tea pot',
    'teapot',
    'mug',
    '茶',
    'ß',
    'SS',
    'z',
    'Œuvre',
    'oz',
    '7up',
    '7-up',
    '🍵'
  ]
  await insertProducts(
    connection,
    Array.from({ length: 20_000 }, (_, index) => ({
      name: names[index % names.length] ?? '',
      price: `${index % 7}.00`
    }))
  )
  const sample = await drawSample(database)
  const ids = sample.products.map(({ id }) => id)
  for (const key of SORT_KEYS) {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT id FROM products WHERE id IN (?) ORDER BY ${sortColumns[key]}, id`,
      [ids]
    )
    t.same(
      sample.sortedBy(key).map(({ id }) => id.toString('hex')),
      rows.map(({ id }) => id.toString('hex')),
      key
    )
  }
})

t.test(
  'the sampler draws one sample for all callers, another when it is old, and one at once when it was wrong',
  async (t) => {
    let draws = 0
    let isDown = false
    const counted = {
      async execute<Row>(sql: string, params: Parameters<typeof database.execute>[1]) {
        if (params[0] === '0') draws++
        if (isDown) throw new Error('down')
        return await database.execute<Row>(sql, params)
      }
    }
    let now = 0
    const sampler = createCatalogueSampler(counted, () => now)
    const [first, second] = await Promise.all([sampler.current(), sampler.current()])
    t.equal(first, second)
    t.equal(draws, 1)

    now = 31_000
    t.equal(await sampler.current(), first, 'an old sample is used while a new one is drawn')
    t.equal(draws, 2)

    now = 400_000
    isDown = true
    await t.rejects(sampler.current(), /down/, 'a sample that is too old is not used')
    isDown = false
    const third = await sampler.current()
    t.not(third, first)

    sampler.distrust()
    t.equal(await sampler.current(), third, 'a sample that was drawn a moment ago is kept')
    now += 10_000
    t.not(await sampler.current(), third)

    isDown = true
    now += 31_000
    t.ok(await sampler.current(), 'an outage does not make an old sample unusable')
  }
)
