import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BATCH_LINES, readBatches } from '../../../src/catalogue/bulk/read-batches.ts'
import type { BulkLine } from '../../../src/catalogue/bulk/read-line.ts'
import { product, toNdjson } from '../../support/bulk-client.ts'

async function batchesOf(chunks: readonly Buffer[]): Promise<BulkLine[][]> {
  return await Array.fromAsync(readBatches(chunksOf(chunks)))
}

async function* chunksOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

t.test('a batch has a maximum number of lines', async (t) => {
  const lines = Array.from({ length: 2 * BATCH_LINES + 1 }, (_, at) => product(at))
  const batches = await batchesOf([Buffer.from(toNdjson(lines))])
  t.same(
    batches.map((batch) => batch.length),
    [BATCH_LINES, BATCH_LINES, 1]
  )
  t.same(
    batches.flat().map(({ line, sku }) => [line, sku]),
    lines.map(({ sku }, at) => [at + 1, sku])
  )
  const full = await batchesOf([Buffer.from(toNdjson(lines.slice(0, BATCH_LINES)))])
  t.same(
    full.map((batch) => batch.length),
    [BATCH_LINES],
    'none is empty'
  )
})

t.test('long lines make short batches', async (t) => {
  const lines = Array.from({ length: 30 }, (_, at) => product(at, { description: 'x'.repeat(100_000) }))
  const batches = await batchesOf([Buffer.from(toNdjson(lines))])
  t.same(
    batches.map((batch) => batch.length),
    [11, 11, 8]
  )
})

t.test('the incomplete last batch of a body that is cut off is dropped', async (t) => {
  async function* broken() {
    yield Buffer.from(toNdjson(Array.from({ length: BATCH_LINES + 7 }, (_, at) => product(at))))
    throw new Error('cut')
  }
  const batches: BulkLine[][] = []
  await t.rejects(async () => {
    for await (const batch of readBatches(broken())) batches.push(batch)
  }, /cut/)
  t.same(
    batches.map((batch) => batch.length),
    [BATCH_LINES]
  )
})

t.test('lines are read in order, with their numbers; blank lines are skipped', async () => {
  const line = fc.constantFrom(
    '',
    ' ',
    '\t\r',
    '{"sku":"A","price":1}',
    '{"sku":"A","delete":true}',
    '{',
    '\ufeff{"sku":"B"}'
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), async (lines, size) => {
      const bytes = Buffer.from(lines.join('\n'))
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size)
      )
      const read = (await batchesOf(chunks)).flat()
      const expected = lines.flatMap((text, at) => {
        const what = text.includes('{"') ? 'edit' : 'refusal'
        return text.trim() === '' ? [] : [[at + 1, what]]
      })
      assert.deepEqual(
        read.map((line) => [line.line, 'edit' in line ? 'edit' : 'refusal']),
        expected
      )
    })
  )
})
