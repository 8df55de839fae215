import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import {
  createProduct,
  createProductEditor,
  deleteProduct,
  type ProductEditor,
  patchProduct
} from '../../../src/catalogue/products/product-editor.ts'
import type { ProductRow } from '../../../src/catalogue/products/product-row.ts'
import { upsertProducts } from '../../../src/catalogue/products/upsert-products.ts'
import { applyEvents } from '../../../src/integrations/webhooks/process/apply-events.ts'
import { claimEvents } from '../../../src/integrations/webhooks/process/claim-events.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { insertEvents } from '../../support/webhook-inbox.ts'
import { workerDatabase } from '../../support/webhook-worker.ts'

const noAnswer = () => {}
const START = Date.UTC(2026, 0, 1)
const ANY = {}
const FIELDS = ['name', 'description', 'price', 'category', 'stock'] as const

type Fields = Pick<ProductRow, (typeof FIELDS)[number]>
type Values = Partial<Fields & { exists: boolean }>

/** All writes that there ever were, each with its time. Nothing is left out, and nothing is made smaller. */
class Model {
  #writes: { sku: string; name: string; value: unknown; atMs: number; by: string }[] = []
  #count = 0

  event(sku: string, values: Values, atMs: number): string {
    const by = `evt_${++this.#count}`
    for (const [name, value] of Object.entries(values)) this.#writes.push({ sku, name, value, atMs, by })
    return by
  }

  client(sku: string, values: Values, nowMs: number): void {
    for (const [name, value] of Object.entries(values)) {
      const times = this.#writes.filter((write) => write.sku === sku && write.name === name).map(({ atMs }) => atMs + 1)
      this.#writes.push({ sku, name, value, atMs: Math.max(nowMs, ...times), by: '' })
    }
  }

  product(sku: string): Fields | undefined {
    if (this.#last(sku, 'exists') !== true) return undefined
    return Object.fromEntries(FIELDS.map((name) => [name, this.#last(sku, name)])) as Fields
  }

  #last(sku: string, name: string): unknown {
    const own = this.#writes.filter((write) => write.sku === sku && write.name === name)
    return own.sort((a, b) => a.atMs - b.atMs || (a.by < b.by ? -1 : 1)).at(-1)?.value
  }
}

interface World {
  connection: Connection
  database: Database
  editor: ProductEditor
  model: Model
  nowMs: number
  run: string
}

class Step {
  readonly what: string
  readonly run: (world: World) => Promise<void>
  constructor(what: string, run: Step['run']) {
    this.what = what
    this.run = run
  }
  toString() {
    return this.what
  }
}

const SKUS = ['A', 'B']
const sku = fc.constantFrom(...SKUS)
const fields = fc.record({
  name: fc.constantFrom('Tea', 'Café', 'cafe'),
  description: fc.constantFrom(null, 'Dark'),
  price: fc.constantFrom('1.00', '2.00', '3.00'),
  category: fc.constantFrom(null, 'Drinks'),
  stock: fc.nat(3)
})
const someFields = fc
  .tuple(fields, fc.subarray([...FIELDS], { minLength: 1 }))
  .map(([all, names]) => Object.fromEntries(names.map((name) => [name, all[name]])) as Partial<Fields>)

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(sku, fields).map(([sku, fields]) => new Step(`import ${sku}`, (world) => importProduct(world, sku, fields))),
  fc.tuple(sku, fields).map(([sku, fields]) => new Step(`create ${sku}`, (world) => create(world, sku, fields))),
  fc
    .tuple(sku, someFields)
    .map(([sku, fields]) => new Step(`patch ${sku} ${JSON.stringify(fields)}`, (world) => patch(world, sku, fields))),
  fc.tuple(sku, sku).map(([from, to]) => new Step(`rename ${from} to ${to}`, (world) => rename(world, from, to))),
  sku.map((sku) => new Step(`delete ${sku}`, (world) => remove(world, sku))),
  ...[0, 1].map(() =>
    fc
      .tuple(
        sku,
        fc.oneof(
          fields.map((data) => ({ type: 'product.created', data, values: { ...data, exists: true } })),
          someFields.map((data) => ({ type: 'product.updated', data, values: data })),
          fc.constant({ type: 'product.deleted', data: {}, values: { exists: false } })
        ),
        fc.integer({ min: -6, max: 3 })
      )
      .map(
        ([sku, { type, data, values }, seconds]) =>
          new Step(`${type} ${sku} at ${seconds} s ${JSON.stringify(data)}`, async (world) => {
            const atMs = world.nowMs + seconds * 1000
            await applyEvent(world, { type, sku, data, atMs, id: world.model.event(sku, values, atMs) })
          })
      )
  )
]

async function importProduct({ connection, model, nowMs, run }: World, sku: string, fields: Fields) {
  const before = model.product(sku)
  await upsertProducts(connection, [{ ...fields, sku: `${run}${sku}` }], { nowMs: () => nowMs, randomBytes })
  const changed = FIELDS.filter((name) => before?.[name] !== fields[name]).map((name) => [name, fields[name]])
  model.client(sku, before ? Object.fromEntries(changed) : { ...fields, exists: true }, nowMs)
}

async function create({ editor, model, nowMs, run }: World, sku: string, fields: Fields) {
  if (model.product(sku)) return
  await editor.edit(editor.newId(), createProduct({ ...fields, sku: `${run}${sku}` }), noAnswer)
  model.client(sku, { ...fields, exists: true }, nowMs)
}

async function patch(world: World, sku: string, fields: Partial<Fields>) {
  const before = world.model.product(sku)
  if (before === undefined) return
  await world.editor.edit(await idOf(world, sku), patchProduct(fields, ANY), noAnswer)
  const changed = Object.entries(fields).filter(([name, value]) => before[name as keyof Fields] !== value)
  world.model.client(sku, Object.fromEntries(changed), world.nowMs)
}

async function rename(world: World, from: string, to: string) {
  const before = world.model.product(from)
  if (before === undefined || world.model.product(to) !== undefined) return
  await world.editor.edit(await idOf(world, from), patchProduct({ sku: `${world.run}${to}` }, ANY), noAnswer)
  world.model.client(from, { exists: false }, world.nowMs)
  world.model.client(to, { ...before, exists: true }, world.nowMs)
}

async function remove(world: World, sku: string) {
  if (world.model.product(sku) === undefined) return
  await world.editor.edit(await idOf(world, sku), deleteProduct(ANY), noAnswer)
  world.model.client(sku, { exists: false }, world.nowMs)
}

async function applyEvent(
  { connection, database, nowMs, run }: World,
  event: { type: string; sku: string; data: object; atMs: number; id: string }
) {
  const occurredAt = new Date(event.atMs).toISOString()
  const data = { ...event.data, sku: `${run}${event.sku}` }
  await insertEvents(connection, [{ id: `${run}${event.id}`, type: event.type, occurredAt, data }])
  const lease = { token: randomBytes(16), leaseMs: 30_000 }
  const events = await claimEvents(database, lease, 10)
  assert.equal(events.length, 1)
  await applyEvents(database, events, lease, { nowMs: () => nowMs, randomBytes })
}

async function idOf({ connection, run }: World, sku: string): Promise<Buffer> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT id FROM products WHERE sku = ?', [`${run}${sku}`])
  return row?.id
}

async function worlds(t: Test): Promise<() => World> {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const database = workerDatabase(t, config)
  let runs = 0
  return () => {
    const world: World = {
      connection,
      database,
      model: new Model(),
      nowMs: START,
      run: `${++runs}-`,
      editor: createProductEditor({ database, nowMs: () => world.nowMs, randomBytes, onCommitted: async () => {} })
    }
    return world
  }
}

t.test('clients and events write in any order: each field has the value that was written last', async (t) => {
  const begin = await worlds(t)
  const numRuns = Number(process.env.TEST_RUNS ?? 60)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...steps), { minLength: 2, maxLength: 14 }), async (steps) => {
      const world = begin()
      for (const step of steps) {
        await step.run(world)
        world.nowMs += 1000
        for (const sku of SKUS) {
          const [[row]] = await world.connection.query<RowDataPacket[]>(
            `SELECT ${FIELDS.join(', ')} FROM products WHERE sku = ?`,
            [`${world.run}${sku}`]
          )
          assert.deepEqual(row && { ...row }, world.model.product(sku), `${sku} after ${step}`)
        }
      }
    }),
    { numRuns }
  )
})
