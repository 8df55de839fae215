import { CsvError, type Info, type Parser, parse } from 'csv-parse'
import { type ImportRecord, NOT_UTF8, RECORD_MAX_BYTES } from './import-record.ts'
import { createLineCounter } from './line-counter.ts'

const REPLACEMENT_CHARACTER = '\ufffd'
const BROKEN = `is longer than ${RECORD_MAX_BYTES} bytes or opens a quotation mark that is never closed; nothing after it was read`

/**
 * Reads comma-separated values (RFC 4180) with a header line. Blank records are left out. Where a quotation mark is
 * never closed, the records behind it can't be told apart, and the last record says so.
 * @param onHeader is told the names of the columns before any record comes
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  onHeader: (columns: readonly string[]) => void
): AsyncGenerator<ImportRecord> {
  const records: ImportRecord[] = []
  // The parser's own count is off after some line breaks inside quotation marks.
  const lines = createLineCounter()
  let columns: readonly string[] | undefined

  function onRecord(values: readonly string[], { bytes }: Info): null {
    const line = lines.nextRecord(bytes)
    if (columns === undefined) {
      columns = values
      onHeader(columns)
    } else if (values.some((value) => value.trim() !== '')) {
      records.push({ line, ...toValues(columns, values) })
    }
    return null
  }

  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: RECORD_MAX_BYTES,
    on_record: onRecord
  })
  // Each error is also the answer to the write that led to it.
  parser.on('error', () => {}).resume()

  for await (const chunk of source) {
    lines.add(chunk)
    const error = await write(parser, chunk)
    yield* records.splice(0)
    if (error) return yield brokenRecord(lines.lastRecord(), error)
  }
  const error = await write(parser, null)
  yield* records.splice(0)
  if (error) return yield brokenRecord(lines.lastRecord(), error)
  if (columns === undefined) onHeader([])
}

function write(parser: Parser, chunk: Buffer | null): Promise<Error | null | undefined> {
  return new Promise((resolve) => {
    if (chunk === null) parser.end(resolve)
    else parser.write(chunk, resolve)
  })
}

function toValues(columns: readonly string[], values: readonly string[]) {
  if (values.length !== columns.length) {
    return { fault: `has ${values.length} values, and the header names ${columns.length} columns` }
  }
  if (values.some((value) => value.includes(REPLACEMENT_CHARACTER))) return { fault: NOT_UTF8 }
  return { values: Object.fromEntries(columns.map((column, index) => [column, values[index]])) }
}

function brokenRecord(line: number, error: Error): ImportRecord {
  if (error instanceof CsvError) return { line, fault: BROKEN }
  throw error
}
