import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { type Change, decodeChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import {
  editBySku,
  type ProductUpsert,
  type SkuEdit,
  upsertProducts
} from '../../../src/catalogue/products/upsert-products.ts'
import { searchColumn } from '../../../src/catalogue/search/search-words.ts'
import { signatureOf } from '../../../src/catalogue/search/word-signature.ts'
import type { Config } from '../../../src/config/config.ts'
import { inTransaction } from '../../../src/platform/database/transaction.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const T0 = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

const at = (day: number) => ({ nowMs: () => T0 + day * DAY_MS, randomBytes })
const tea = { sku: 'TEA', name: 'Tea', price: '1.00' }

async function prepare(t: Test): Promise<{ connection: Connection; config: Config }> {
  const config = await testConfig(t)
  return { connection: await testConnection(t, config), config }
}

async function statuses(connection: Connection, products: readonly ProductUpsert[], day: number): Promise<string[]> {
  return (await upsertProducts(connection, products, at(day))).map(({ status }) => status)
}

async function rowsOf(connection: Connection): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM products ORDER BY sku')
  return rows
}

/** What the change log says, in the order in which it was said. */
async function loggedChanges(connection: Connection): Promise<Pick<Change, 'type' | 'id' | 'sku'>[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT entries FROM product_changes ORDER BY id')
  return rows.flatMap(({ entries }) => decodeChanges(entries)).map(({ type, id, sku }) => ({ type, id, sku }))
}

t.test('a product is created with the given fields and the defaults of the others', async (t) => {
  const { connection } = await prepare(t)
  const outcomes = await upsertProducts(
    connection,
    [tea, { ...tea, sku: 'T2', description: 'Dark', category: 'Drinks', stock: 3 }],
    at(0)
  )
  const [second, first] = await rowsOf(connection)
  t.same(outcomes, [
    { status: 'created', id: first?.id },
    { status: 'created', id: second?.id }
  ])
  const common = {
    name: 'Tea',
    price: '1.00',
    created_at: '2026-01-01 00:00:00.000',
    updated_at: '2026-01-01 00:00:00.000',
    version: 1
  }
  t.match(first, { ...common, sku: 'TEA', description: null, category: null, stock: 0, search_words: ' tea_ ' })
  t.match(second, {
    ...common,
    sku: 'T2',
    description: 'Dark',
    category: 'Drinks',
    stock: 3,
    search_words: ' tea_ dark_ '
  })
  t.equal(first?.id.readUIntBE(0, 6), T0, 'its id begins with its time')
  t.equal(first?.id[6] >> 4, 7)
})

t.test('missing fields stay as they are, and are still searchable', async (t) => {
  const { connection } = await prepare(t)
  await upsertProducts(connection, [{ ...tea, description: 'Dark', category: 'Drinks', stock: 3 }], at(0))
  t.same(await statuses(connection, [{ ...tea, name: 'Assam' }], 1), ['updated'])
  t.match(await rowsOf(connection), [
    {
      name: 'Assam',
      description: 'Dark',
      category: 'Drinks',
      stock: 3,
      search_words: ' assam_ dark_ ',
      created_at: '2026-01-01 00:00:00.000',
      updated_at: '2026-01-02 00:00:00.000',
      version: 2
    }
  ])
  await upsertProducts(connection, [{ ...tea, name: 'Assam', description: null, stock: 0 }], at(2))
  t.match(await rowsOf(connection), [
    { description: null, category: 'Drinks', stock: 0, search_words: ' assam_ ', version: 3 }
  ])
})

t.test('only products that differ are written; case, accents and Unicode form count as differences', async (t) => {
  const { connection } = await prepare(t)
  const names = ['Café', 'cafe', 'CAFÉ', 'Cafe\u0301', 'Café']
  for (const [day, name] of names.entries()) {
    t.same(await statuses(connection, [{ ...tea, name }], 2 * day), [day === 0 ? 'created' : 'updated'])
    const before = await rowsOf(connection)
    t.same(await statuses(connection, [{ ...tea, name }], 2 * day + 1), ['unchanged'])
    t.same(await rowsOf(connection), before)
  }
})

t.test('a batch is written as a whole or not at all', async (t) => {
  const { connection } = await prepare(t)
  await upsertProducts(connection, [tea], at(0))
  const before = await rowsOf(connection)
  const tooLong = { sku: 'ZZZ', name: 'x'.repeat(256), price: '1.00' }
  await t.rejects(upsertProducts(connection, [{ ...tea, price: '2.00' }, { ...tea, sku: 'NEW' }, tooLong], at(1)))
  t.same(await rowsOf(connection), before)
  t.same(await statuses(connection, [tea], 1), ['unchanged'])
  t.same(await statuses(connection, [], 1), [])
})

t.test('the change log has created and changed products, and no unchanged ones', async (t) => {
  const { connection } = await prepare(t)
  const coffee = { sku: 'COFFEE', name: 'Coffee', price: '2.00' }
  const cocoa = { sku: 'COCOA', name: 'Cocoa', price: '3.00' }
  await upsertProducts(connection, [tea, coffee], at(0))
  await upsertProducts(connection, [tea, { ...coffee, price: '2.50' }, cocoa], at(1))
  await upsertProducts(connection, [tea, cocoa], at(2))
  const idOf = new Map((await rowsOf(connection)).map(({ sku, id }) => [sku, id.toString('hex')]))
  const change = (sku: string) => ({ type: 'upsert', id: idOf.get(sku), sku })
  t.same(await loggedChanges(connection), ['COFFEE', 'TEA', 'COCOA', 'COFFEE'].map(change))
})

t.test('a write and its entry in the change log are committed together or not at all', async (t) => {
  const { connection } = await prepare(t)
  await upsertProducts(connection, [tea], at(0))
  const before = [await rowsOf(connection), await loggedChanges(connection)]
  const tooLong = { sku: 'ZZZ', name: 'x'.repeat(256), price: '1.00' }
  await t.rejects(upsertProducts(connection, [{ ...tea, price: '2.00' }, tooLong], at(1)))
  t.same([await rowsOf(connection), await loggedChanges(connection)], before, 'the products were refused')

  await connection.query('RENAME TABLE product_changes TO elsewhere')
  await t.rejects(
    upsertProducts(
      connection,
      [
        { ...tea, price: '2.00' },
        { ...tea, sku: 'NEW' }
      ],
      at(1)
    ),
    {
      code: 'ER_NO_SUCH_TABLE'
    }
  )
  await connection.query('RENAME TABLE elsewhere TO product_changes')
  t.same([await rowsOf(connection), await loggedChanges(connection)], before, 'the log was refused')
})

t.test('concurrent batches with the same products all succeed', async (t) => {
  const { connection, config } = await prepare(t)
  const skus = Array.from({ length: 40 }, (_, index) => `S${index}`)
  const writers = await Promise.all(Array.from({ length: 4 }, () => testConnection(t, config)))
  await Promise.all(
    writers.map(async (writer, index) => {
      for (let round = 0; round < 10; round++) {
        const order = index % 2 === 0 ? skus : skus.toReversed()
        const batch = order.slice(round, round + 25).map((sku) => ({ sku, name: `by ${index}`, price: `${round}.00` }))
        await upsertProducts(writer, batch, at(round))
      }
    })
  )
  const rows = await rowsOf(connection)
  t.same(
    rows.map(({ sku }) => sku),
    skus.toSorted()
  )
  for (const { name, search_words } of rows) t.equal(search_words, searchColumn(name, null))
})

t.test('a product that another transaction has created meanwhile is updated', async (t) => {
  const { connection, config } = await prepare(t)
  const other = await testConnection(t, config)
  const { query } = connection
  let hasLooked = false
  Object.assign(connection, {
    async query(...args: unknown[]) {
      const answer = await Reflect.apply(query, connection, args)
      if (!hasLooked && String(args[0]).includes('FOR UPDATE')) {
        hasLooked = true
        await upsertProducts(other, [{ ...tea, name: 'Theirs' }], at(0))
      }
      return answer
    }
  })
  t.same(await statuses(connection, [tea], 1), ['updated'])
  t.match(await rowsOf(other), [{ name: 'Tea', version: 2, created_at: '2026-01-01 00:00:00.000' }])
})

t.test('a batch of long products is one transaction of several statements', async (t) => {
  const { connection } = await prepare(t)
  const description = `${"'".repeat(4000)}${'🍵 '.repeat(500)}`.trim()
  const products = Array.from({ length: 500 }, (_, index) => ({ ...tea, sku: `L${index}`, description }))
  t.same([...new Set(await statuses(connection, products, 0))], ['created'])
  const rounds = products.map(({ sku }) => ({ sku, name: 'Coffee', price: '2.00' }))
  t.same([...new Set(await statuses(connection, rounds, 1))], ['updated'])
  const rows = await rowsOf(connection)
  t.equal(rows.length, 500)
  t.ok(rows.every((row) => row.name === 'Coffee' && row.description === description && row.version === 2))
})

t.test('batches of edits do the same as a map, edit by edit', async (t) => {
  const { connection } = await prepare(t)
  const text = fc.constantFrom('Tea', 'tea', 'Téa', 'Green T-Shirt', '茶', "it's; -- \\ \" '")
  const sku = fc.constantFrom('A', 'a', 'B', 'C', 'D')
  const upsert = fc
    .record(
      {
        sku,
        name: text,
        price: fc.constantFrom('0.00', '9.99', '10.00'),
        description: fc.option(text),
        category: fc.option(text),
        stock: fc.integer({ min: 0, max: 3 })
      },
      { requiredKeys: ['sku'] }
    )
    .map((fields): SkuEdit => ({ upsert: fields }))
  const edit = fc.oneof(
    { weight: 4, arbitrary: upsert },
    sku.map((sku): SkuEdit => ({ delete: sku }))
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 8 }), { maxLength: 5 }), async (batches) => {
      await connection.query('DELETE FROM products')
      await connection.query('DELETE FROM product_changes')
      const model = new Map<string, ModelRow>()
      for (const [day, batch] of batches.entries()) {
        const before = new Map(model)
        const expected = batch.map((edit) => applyToModel(model, edit))
        const outcomes = await editBySku((work) => inTransaction(connection, work), batch, at(day))
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          expected
        )
        const logged = await loggedChanges(connection)
        assert.deepEqual(
          logged.map(({ type, sku }) => `${type} ${sku}`).sort(),
          changesOf(before, model).sort(),
          'what is different is logged, once'
        )
        await connection.query('DELETE FROM product_changes')
      }
      const rows = (await rowsOf(connection)).map(({ id, created_at, updated_at, sample_rank, ...made }) => {
        const { search_words, ...row } = made
        assert.equal(search_words, searchColumn(row.name, row.description))
        for (const [part, bits] of signatureOf(search_words).entries()) {
          assert.equal(row[`signature_${part}`], bits)
          delete row[`signature_${part}`]
        }
        return row
      })
      const wanted = [...model.values()].sort((a, b) => (a.sku < b.sku ? -1 : 1)).map(({ made, ...row }) => row)
      assert.deepEqual(rows, wanted)
    }),
    { numRuns: 80 }
  )
})

t.test('several edits of one sku in a batch each have the outcome that they have alone', async (t) => {
  const { connection } = await prepare(t)
  const edits: SkuEdit[] = [
    { delete: 'TEA' },
    { upsert: { sku: 'TEA', name: 'Tea' } },
    { upsert: tea },
    { upsert: tea },
    { upsert: { sku: 'TEA', stock: 5 } },
    { delete: 'TEA' },
    { delete: 'TEA' },
    { upsert: { ...tea, stock: 7 } }
  ]
  const outcomes = await editBySku((work) => inTransaction(connection, work), edits, at(0))
  const [row, ...others] = await rowsOf(connection)
  t.same(others, [])
  t.match(row, { stock: 7, version: 1 })
  t.match(outcomes, [
    { status: 'absent' },
    { status: 'incomplete', missing: ['price'] },
    { status: 'created' },
    { status: 'unchanged' },
    { status: 'updated' },
    { status: 'deleted' },
    { status: 'absent' },
    { status: 'created', id: row?.id }
  ])
})

type ModelRow = Record<string, unknown> & { sku: string; version: number; made: object }

function applyToModel(model: Map<string, ModelRow>, edit: SkuEdit): string {
  if ('delete' in edit) return model.delete(edit.delete) ? 'deleted' : 'absent'
  const { upsert } = edit
  const old = model.get(upsert.sku)
  if (old === undefined) {
    if (upsert.name === undefined || upsert.price === undefined) return 'incomplete'
    model.set(upsert.sku, { description: null, category: null, stock: 0, version: 1, made: {}, ...upsert })
    return 'created'
  }
  const fields = { ...old, ...upsert }
  if (isDeepStrictEqual(fields, old)) return 'unchanged'
  model.set(upsert.sku, { ...fields, version: old.version + 1 })
  return 'updated'
}

/** A product that is gone and one that is made in its place are two. */
function changesOf(before: ReadonlyMap<string, ModelRow>, after: ReadonlyMap<string, ModelRow>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((sku) => {
    const [old, now] = [before.get(sku), after.get(sku)]
    if (old === now) return []
    const isAnother = old?.made !== now?.made
    return [...(old && isAnother ? [`delete ${sku}`] : []), ...(now ? [`upsert ${sku}`] : [])]
  })
}
