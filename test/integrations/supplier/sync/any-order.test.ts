import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { retryOutage } from '../../../../src/catalogue/bulk/retry-outage.ts'
import { editBySku, type SkuEdit } from '../../../../src/catalogue/products/upsert-products.ts'
import { scriptedUpstream } from '../../../support/scripted-upstream.ts'
import { products, scriptPages, sync } from '../../../support/supplier-feed.ts'
import { testConfig, testConnection } from '../../../support/test-config.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { insertEvents, statuses } from '../../../support/webhook-inbox.ts'
import { startWorker, workerDatabase } from '../../../support/webhook-worker.ts'

const WAIT_MS = 60_000
const PATIENCE = { forMs: WAIT_MS, signal: new AbortController().signal, nowMs: () => performance.now() }
const sources = { nowMs: Date.now, randomBytes }

const fields = fc.record({
  name: fc.constantFrom('Tea', 'Assam'),
  description: fc.constantFrom(null, 'Dark'),
  price: fc.constantFrom('1.00', '2.00'),
  category: fc.constantFrom(null, 'Drinks'),
  stock: fc.nat(5)
})
const change = fc.record({
  event: fc.oneof(
    fields.map((data) => ({ type: 'product.created', data })),
    fields.map(({ price }) => ({ type: 'product.price_changed', data: { price } })),
    fields.map(({ stock }) => ({ type: 'product.stock_changed', data: { stock } })),
    fc.constant({ type: 'product.deleted', data: {} })
  ),
  /** How the change is delivered. */
  by: fc.constantFrom('webhook', 'feed', 'both')
})
/** Some products, each with its history, and whether a client writes it, too. */
const stories = fc.array(
  fc.record({
    history: fc.array(change, { minLength: 1, maxLength: 6 }),
    client: fc.constantFrom('none', 'none', 'writes', 'deletes')
  }),
  { minLength: 1, maxLength: 5 }
)

type State = Record<string, unknown>

/** What the supplier has after each change: undefined where there is no product. */
function statesOf(history: readonly { event: { type: string; data: object } }[]): (State | undefined)[] {
  let known: State = {}
  let exists = false
  return history.map(({ event: { type, data } }) => {
    known = { ...known, ...data }
    if (type === 'product.created') exists = true
    if (type === 'product.deleted') exists = false
    return exists ? known : undefined
  })
}

t.test('webhooks, API writes and syncs, however they meet, end in what was written last', async (t) => {
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, { EXTERNAL_API_BASE_URL: upstream.url })
  const connection = await testConnection(t, config)
  const workers = [1, 2].map(() => startWorker(t, config))
  const database = workerDatabase(t, config)
  const edit = (edits: readonly SkuEdit[]) => editBySku((work) => database.transaction(work), edits, sources)
  /** A client retries when it lost against other writers too often. */
  const insist = (edits: readonly SkuEdit[]) => retryOutage(() => edit(edits), PATIENCE)
  let runs = 0

  await fc.assert(
    fc.asyncProperty(stories, fc.infiniteStream(fc.nat()), async (stories, draws) => {
      const run = `R${++runs}`
      const draw = () => Number(draws.next().value)
      const shuffled = <T>(values: readonly T[]) =>
        values
          .map((value) => ({ value, rank: draw() }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ value }) => value)
      const cases = stories.flatMap(({ history, client }, product) => {
        const sku = `${run}-${product}`
        const states = statesOf(history)
        const own = { sku, name: `Own ${sku}`, price: '7.00', description: sku, category: sku, stock: 70 + product }
        // Who changes a product does not say that it is there: a deletion, however old, is not undone by that.
        const deletes = client === 'deletes' || (client === 'writes' && states.at(-1) === undefined)
        const state = client === 'none' ? states.at(-1) : deletes ? undefined : own
        return [
          { sku, isClients: client !== 'none', deletes, own, expected: state && { ...state, sku }, history, states }
        ]
      })
      const at = (place: number) => new Date(Date.UTC(2026, 0, 1) + place * 1000).toISOString()
      const events = cases.flatMap(({ sku, history }) =>
        history.flatMap(({ event, by }, place) =>
          by !== 'feed'
            ? [{ id: `${sku}-${place}`, type: event.type, occurredAt: at(place), data: { ...event.data, sku } }]
            : []
        )
      )
      const items = cases.flatMap(({ sku, history, states }) =>
        history.flatMap(({ by }, place) => {
          if (by === 'webhook') return []
          return [{ ...(states[place] ?? { deleted: true }), sku, updatedAt: at(place) }]
        })
      )
      const feed = shuffled(items)
      const cut = items.length === 0 ? 0 : draw() % items.length
      scriptPages(upstream, [feed.slice(0, cut), feed.slice(cut), shuffled(items)])

      await Promise.all([
        sync(config, { isFull: true }),
        (async () => {
          for (const event of shuffled(events)) {
            await insertEvents(connection, [event])
            workers[draw() % workers.length]?.wake()
          }
        })(),
        (async () => {
          for (const { isClients, deletes, own } of shuffled(cases)) {
            if (!isClients) continue
            await insist([{ upsert: own }])
            if (deletes) await insist([{ delete: own.sku }])
          }
        })()
      ])
      await waitFor('all is done', async () => {
        for (const worker of workers) worker.wake()
        const { pending = 0, processing = 0, dead = 0 } = await statuses(connection)
        assert.equal(dead, 0)
        return pending + processing === 0
      })
      const present = await products(connection)
      const expected = cases.flatMap(({ expected }) => expected ?? [])
      assert.deepEqual(
        present.filter((product) => 'sku' in product && String(product.sku).startsWith(`${run}-`)),
        expected
      )
    }),
    { numRuns: Number(process.env.TEST_RUNS ?? 25) }
  )
})
