import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  appendChanges,
  decodeChanges,
  encodeChanges,
  numberChanges,
  readChanges
} from '../../../src/catalogue/change-log/product-changes.ts'
import { tailDatabase } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const printable = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) })
const sku = fc
  .tuple(fc.constantFrom('', '+', '-', ' ', '\\', "'"), printable, fc.constantFrom('', ' '))
  .map((parts) => parts.join('').slice(0, 64))
  .filter((text) => text !== '')
const change = fc.record(
  { type: fc.constantFrom('upsert', 'delete'), id, sku: fc.option(sku) },
  { noNullPrototype: true }
)
const someChanges = fc.array(change, { minLength: 1, maxLength: 20 })

t.test('changes are decoded as they were encoded', async () => {
  fc.assert(
    fc.property(someChanges, (changes) => {
      assert.deepEqual(decodeChanges(encodeChanges(changes)), changes)
    })
  )
})

t.test('changes are read from the table as they were logged, however many there are', async (t) => {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const database = tailDatabase(t, config)
  const many = fc.sample(change, { numRuns: 1234, seed: 1 })
  const batches = [many, ...fc.sample(someChanges, { numRuns: 30, seed: 1 })]
  for (const changes of batches) await appendChanges(connection, changes, '2026-01-01 00:00:00.000')
  await numberChanges(database)
  const step = await readChanges(database, 0)
  t.same(
    step?.rows.flatMap(({ changes }) => changes),
    batches.flat()
  )
  t.ok(step?.rows.every(({ changes }) => changes.length <= 500))
})
