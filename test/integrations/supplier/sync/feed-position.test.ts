import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  afterPage,
  beginRun,
  type SupplierFeedPosition
} from '../../../../src/integrations/supplier/sync/feed-position.ts'

const MINUTE_MS = 60_000
const PAGE_ITEMS = 3
const START_MS = Date.UTC(2026, 0, 1)

/** An item of a supplier with a clock of its own, whose feed may be in any order. */
interface Item {
  key: number
  atMs: number
  /** When it is to be seen, by the clock of the supplier: a change may be committed some time after it was dated. */
  visibleAtMs: number
}

const schedules = fc.record({
  skewMs: fc.integer({ min: -1e9, max: 1e9 }),
  isOrderedByTime: fc.boolean(),
  /** Before each page of all runs: how long it takes, and what changes meanwhile, committed how much later. */
  steps: fc.array(
    fc.record({
      elapsedMs: fc.nat(30 * MINUTE_MS),
      changed: fc.array(fc.record({ key: fc.nat(12), commitMs: fc.nat(9 * MINUTE_MS) }), { maxLength: 3 })
    }),
    { minLength: 1, maxLength: 60 }
  )
})

t.test('the next run reads every change that was made during a run, for any difference of clocks', async () => {
  await fc.assert(
    fc.property(schedules, ({ skewMs, isOrderedByTime, steps }) => {
      let nowMs = START_MS
      let position: SupplierFeedPosition = { sinceMs: null, run: null, pages: 0 }
      /** All states that there ever were; the feed shows the last one of each key that is committed. */
      const states: Item[] = Array.from({ length: 8 }, (_, key) => ({
        key,
        atMs: nowMs + skewMs,
        visibleAtMs: nowMs + skewMs
      }))
      const seen = new Set<Item>()
      const theirNow = () => nowMs + skewMs

      function step(elapsedMs: number, changed: readonly { key: number; commitMs: number }[]): void {
        nowMs += elapsedMs
        for (const { key, commitMs } of changed) {
          states.push({ key, atMs: theirNow(), visibleAtMs: theirNow() + commitMs })
        }
        const running = position.run === null ? beginRun(position, nowMs) : { ...position, run: position.run }
        const { items, nextCursor } = page(running.sinceMs, running.run.cursor)
        for (const item of items) seen.add(item)
        const newestMs = items.length === 0 ? null : Math.max(...items.map(({ atMs }) => atMs))
        position = afterPage(running, { nextCursor, newestMs }, nowMs)
      }

      function page(sinceMs: number | null, cursor: string | null) {
        const last = new Map<number, Item>()
        for (const state of states) if (state.visibleAtMs <= theirNow()) last.set(state.key, state)
        const place = (item: Item) =>
          isOrderedByTime ? `${String(item.atMs).padStart(15, '0')} ${item.key}` : String(item.key).padStart(3, '0')
        const wanted = [...last.values()]
          .filter((item) => item.atMs >= (sinceMs ?? 0) && (cursor === null || place(item) > cursor))
          .sort((a, b) => (place(a) < place(b) ? -1 : 1))
        const items = wanted.slice(0, PAGE_ITEMS)
        const end = items.at(-1)
        return { items, nextCursor: wanted.length > PAGE_ITEMS && end ? place(end) : null }
      }

      for (const { elapsedMs, changed } of steps) step(elapsedMs, changed)
      // To the end of the run under way, and one more when all is committed.
      nowMs += 10 * MINUTE_MS
      while (position.run !== null) step(0, [])
      do step(0, [])
      while (position.run !== null)

      const final = new Map(states.map((state) => [state.key, state]))
      for (const state of final.values()) assert.ok(seen.has(state), `${state.key} was changed, and never read`)
    }),
    { numRuns: Number(process.env.TEST_RUNS ?? 2000) }
  )
})

t.test('a run without items does not move the start of the next one', async (t) => {
  const begun = beginRun({ sinceMs: 5, run: null, pages: 7 }, START_MS)
  t.same(afterPage(begun, { nextCursor: null, newestMs: null }, START_MS + 1), { sinceMs: 5, run: null, pages: 8 })
})
