import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { createLineSplitter, type LineSplitter } from '../../../src/platform/lib/line-splitter.ts'

const LIMIT = 12

/** The bytes are good until the next line only. */
function collect(lines: ReturnType<LineSplitter['push']>): [number, string | null][] {
  return Array.from(lines, ({ number, bytes }) => [number, bytes?.toString('latin1') ?? null])
}

function split(chunks: readonly Buffer[]): [number, string | null][] {
  const splitter = createLineSplitter(LIMIT)
  return [...chunks.flatMap((chunk) => collect(splitter.push(chunk))), ...collect(splitter.end())]
}

t.test('however a text is cut, its lines are the same', async () => {
  const text = fc.array(fc.constantFrom('\n', '\r\n', '', 'a', '{"b":1}', 'é', 'x'.repeat(LIMIT), 'y'.repeat(40)), {
    maxLength: 30
  })
  const cuts = fc.array(fc.nat(200), { maxLength: 20 })
  fc.assert(
    fc.property(text, cuts, (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''))
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
      const chunks = places.slice(1).map((end, at) => Buffer.from(bytes.subarray(places[at], end)))
      const lines = bytes.toString('latin1').split('\n')
      if (lines.at(-1) === '') lines.pop()
      assert.deepEqual(
        split(chunks),
        lines.map((line, at) => [at + 1, line.length <= LIMIT ? line : null])
      )
    }),
    { numRuns: 2000 }
  )
})

t.test('a line that is as long as it may be is there, also byte by byte', async (t) => {
  const text = `${'x'.repeat(LIMIT)}\n${'y'.repeat(LIMIT + 1)}\n${'z'.repeat(LIMIT)}`
  const expected = [
    [1, 'x'.repeat(LIMIT)],
    [2, null],
    [3, 'z'.repeat(LIMIT)]
  ]
  t.same(split([Buffer.from(text)]), expected)
  t.same(split(Array.from(text, (byte) => Buffer.from(byte))), expected)
})

t.test('an endless line takes no memory', async (t) => {
  const splitter = createLineSplitter(LIMIT)
  const chunk = Buffer.alloc(2 ** 16, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let count = 0; count < 4096; count++) for (const _ of splitter.push(chunk)) t.fail()
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
  t.same(collect(splitter.push(Buffer.from('\nnext\n'))), [
    [1, null],
    [2, 'next']
  ])
})
