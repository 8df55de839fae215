import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ProductPatch } from '../../../schemas/product-inputs.ts'
import { readInput, readPatch } from '../../../src/catalogue/products/fields.ts'
import { patchProduct, replaceProduct } from '../../../src/catalogue/products/product-editor.ts'
import { newRow, type ProductRow, toProduct } from '../../../src/catalogue/products/product-row.ts'

const id = Buffer.alloc(16, 7)
const context = { id, nowMs: Date.parse('2026-03-02T00:00:00.000Z') }
const NULLABLE = ['sku', 'description', 'category'] as const

/** Texts and prices as they are stored, so that reading them changes nothing. */
const text = fc.constantFrom('a', 'A', 'Tea', '<é>', '🍵 b')
const price = fc.integer({ min: 0, max: 500 }).map((cents) => (cents / 100).toFixed(2))
const fields = {
  sku: fc.option(fc.constantFrom('A-1', 'a-1', 'B 2')),
  name: text,
  description: fc.option(text),
  price,
  category: fc.option(text),
  stock: fc.nat(5)
}
const row = fc.record(fields).map((values): ProductRow => newRow(id, values, '2026-03-01 00:00:00.000'))
const patch: fc.Arbitrary<ProductPatch> = fc.record(fields, { requiredKeys: [] })

type Json = null | string | number | { [name: string]: Json }

/** RFC 7396, section 2, as it is written there. */
function mergePatch(target: Json | undefined, change: Json): Json {
  if (change === null || typeof change !== 'object') return change
  const merged = target === null || typeof target !== 'object' ? {} : { ...target }
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

t.test('a patch is a merge patch of the product that GET returns', async () => {
  fc.assert(
    fc.property(row, patch, (before, change) => {
      const after = patchProduct(readPatch(change), {})(before, context)
      const merged = { ...(mergePatch(toProduct(before), { ...change }) as object), updatedAt: '' }
      // A field that is removed is shown as null.
      const removed = Object.fromEntries(NULLABLE.map((name) => [name, null]))
      assert.deepEqual({ ...toProduct(after), updatedAt: '' }, { ...removed, ...merged })
    }),
    { numRuns: 500 }
  )
})

t.test('an edit makes a new version exactly when it changes something', async () => {
  fc.assert(
    fc.property(row, fc.record(fields), patch, (before, whole, change) => {
      for (const edit of [patchProduct(readPatch(change), {}), replaceProduct(readInput(whole), {})]) {
        const after = edit(before, context)
        const isSame =
          JSON.stringify({ ...toProduct(after), updatedAt: '' }) ===
          JSON.stringify({ ...toProduct(before), updatedAt: '' })
        assert.equal(after === before, isSame)
        assert.equal(after.version, before.version + (isSame ? 0 : 1))
        assert.equal(after.created_at, before.created_at)
      }
    }),
    { numRuns: 500 }
  )
})
