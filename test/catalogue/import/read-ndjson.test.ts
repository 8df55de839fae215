import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { RECORD_MAX_BYTES } from '../../../src/catalogue/import/import-record.ts'
import { readNdjson } from '../../../src/catalogue/import/read-ndjson.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function read(text: string | Buffer, chunkSize = 65_536) {
  return Array.fromAsync(readNdjson(inChunks(Buffer.from(text), chunkSize)))
}

t.test('any objects are read as they were written, in chunks of any size', async () => {
  const object = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 4 })
  const lineEnd = fc.constantFrom('\n', '\r\n', '\n\n', ' \n')
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(object, lineEnd)), fc.integer({ min: 1, max: 40 }), async (lines, size) => {
      const text = lines.map(([object, lineEnd]) => JSON.stringify(object) + lineEnd).join('')
      let line = 1
      const expected = lines.map(([object, lineEnd]) => {
        const record = { line, values: JSON.parse(JSON.stringify(object)) }
        line += lineEnd === '\n\n' ? 2 : 1
        return record
      })
      assert.deepEqual(await read(text, size), expected)
    })
  )
})

t.test('the last line needs no line break, and the first may begin with a byte order mark', async (t) => {
  t.same(await read('\ufeff{"a":1}\n{"a":2}'), [
    { line: 1, values: { a: 1 } },
    { line: 2, values: { a: 2 } }
  ])
  t.same(await read(''), [])
})

t.test('lines that are not objects are reported and skipped', async (t) => {
  const lines = ['{"a":', '[1]', 'null', '"text"', '{"a":1}']
  t.match(await read(lines.join('\n')), [
    { line: 1, fault: /^is not valid JSON: / },
    { line: 2, fault: 'is not a JSON object' },
    { line: 3, fault: 'is not a JSON object' },
    { line: 4, fault: 'is not a JSON object' },
    { line: 5, values: { a: 1 } }
  ])
  t.same(await read(Buffer.from('{"a":"é"}\n{"a":1}', 'latin1')), [
    { line: 1, fault: 'is not UTF-8 text' },
    { line: 2, values: { a: 1 } }
  ])
})

t.test('a line of any length takes a bounded amount of memory', async (t) => {
  const long = `{"a":"${'x'.repeat(RECORD_MAX_BYTES)}"}`
  const longest = `{"a":"${'x'.repeat(RECORD_MAX_BYTES - 8)}"}`
  const records = await read(`${long}\n${longest}\n${long}`)
  t.same(records[0], { line: 1, fault: 'is longer than 1048576 bytes' })
  t.match(records[1], { line: 2, values: { a: /^x+$/ } })
  t.same(records[2], { line: 3, fault: 'is longer than 1048576 bytes' })
})
