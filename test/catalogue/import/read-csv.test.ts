import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ImportUsageError, RECORD_MAX_BYTES } from '../../../src/catalogue/import/import-record.ts'
import { readCsv } from '../../../src/catalogue/import/read-csv.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function read(text: string | Buffer, chunkSize = 65_536) {
  const headers: (readonly string[])[] = []
  const records = await Array.fromAsync(
    readCsv(inChunks(Buffer.from(text), chunkSize), (columns) => headers.push(columns))
  )
  return { headers, records }
}

const HEADER = 'sku,name,price\n'
const values = (sku: string, name: string, price: string) => ({ sku, name, price })

t.test('any table is read as it was written, in chunks of any size', async () => {
  const cell = fc.string({ unit: fc.constantFrom(...'ab,"\'; \té漢🍵', '\n', '\r\n'), maxLength: 8 })
  const table = fc.array(fc.tuple(cell, cell, fc.constant('x')), { maxLength: 8 })
  const lineEnd = fc.constantFrom('\n', '\r\n')
  await fc.assert(
    fc.asyncProperty(
      table,
      lineEnd,
      fc.boolean(),
      fc.integer({ min: 1, max: 40 }),
      async (rows, lineEnd, bom, size) => {
        const lines = [['sku', 'name', 'price'], ...rows].map((row) => row.map(encode).join(',') + lineEnd)
        const { records } = await read((bom ? '\ufeff' : '') + lines.join(''), size)
        let line = 2
        const expected = rows.map(([sku, name, price]) => {
          const record = { line, values: values(sku, name, price) }
          line += 1 + (`${sku}${name}`.match(/\n/g)?.length ?? 0)
          return record
        })
        assert.deepEqual(records, expected)
      }
    )
  )
})

/** Half of what needs no quotation marks has them. */
function encode(cell: string): string {
  return /[",\r\n]/.test(cell) || cell.length % 2 === 0 ? `"${cell.replaceAll('"', '""')}"` : cell
}

t.test('the header is reported first', async (t) => {
  t.same((await read('\ufeffsku,"na\nme"\r\n1,2')).headers, [['sku', 'na\nme']])
  t.same((await read('')).headers, [[]], 'an empty file has an empty one')
  t.same((await read('\n\nsku,name\n')).records, [])
  const refuse = () => {
    throw new ImportUsageError('no such column')
  }
  await t.rejects(
    Array.fromAsync(readCsv(inChunks(Buffer.from(HEADER), 5), refuse)),
    new ImportUsageError('no such column')
  )
})

t.test('lines are counted as an editor counts them', async (t) => {
  const { records } = await read('sku,name,price\r\nA,"two\r\nlines",1\r\n\r\n\r\nB,b,2\r\n,,\r\nC,c,3')
  t.same(records, [
    { line: 2, values: values('A', 'two\r\nlines', '1') },
    { line: 6, values: values('B', 'b', '2') },
    { line: 8, values: values('C', 'c', '3') }
  ])
  t.same(
    (await read('sku,name,price\r\nA,a,1\nB,b,2\r\nC,c,3\rD,d,4')).records.map(({ line }) => line),
    [2, 3, 4, 5]
  )
})

t.test('quotation marks inside an unquoted value are part of it', async (t) => {
  t.same((await read(`${HEADER}A,24" wide,1\nB,"24" wide",2\n`)).records, [
    { line: 2, values: values('A', '24" wide', '1') },
    { line: 3, values: values('B', '"24" wide"', '2') }
  ])
})

t.test('records with another number of values than the header are faults', async (t) => {
  t.same((await read(`${HEADER}A,a\nB,b,2,3\nC,c,3\n`)).records, [
    { line: 2, fault: 'has 2 values, and the header names 3 columns' },
    { line: 3, fault: 'has 4 values, and the header names 3 columns' },
    { line: 4, values: values('C', 'c', '3') }
  ])
})

t.test('text in another encoding is refused', async (t) => {
  const latin1 = Buffer.from(`${HEADER}A,café,1\nB,b,2\n`, 'latin1')
  t.same((await read(latin1)).records, [
    { line: 2, fault: 'is not UTF-8 text' },
    { line: 3, values: values('B', 'b', '2') }
  ])
})

t.test('a quotation mark that is never closed ends the file; the records before it are read', async (t) => {
  const good = Array.from({ length: 50 }, (_, index) => `S${index},n,1\n`).join('')
  for (const rest of [
    'A,"a,1\nB,b,2\n',
    `A,"${'a\n'.repeat(RECORD_MAX_BYTES)}`,
    `A,${'a'.repeat(RECORD_MAX_BYTES)},1\n`
  ]) {
    const { records } = await read(`${HEADER}${good}\n${rest}`)
    t.equal(records.length, 51)
    t.match(records.at(-1), { line: 53, fault: /is never closed; nothing after it was read/ })
  }
})
