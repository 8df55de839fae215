import { CsvError, type Info, type Parser, parse } from 'csv-parse'
import { type ImportRecord, NOT_UTF8, RECORD_MAX_BYTES } from './import-record.ts'

const LINE_BREAK = /\r\n?|\n/g
const LEADING_LINE_BREAKS = /^[\r\n]*/
const REPLACEMENT_CHARACTER = '\ufffd'
const BROKEN = `is longer than ${RECORD_MAX_BYTES} bytes or opens a quotation mark that is never closed; nothing after it was read`

/**
 * Reads comma-separated values (RFC 4180) with a header line. Blank records are skipped. Behind a quotation mark that is
 * never closed records can't be told apart: the last record is then a fault.
 * @param onHeader is called with the names of the columns before the first record
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  onHeader: (columns: readonly string[]) => void
): AsyncGenerator<ImportRecord> {
  const records: ImportRecord[] = []
  // The parser miscounts some line breaks inside quotation marks.
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
  // Errors are handled where `write` resolves with them.
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

/** A counter of lines, as an editor counts them, that knows on which line each record begins. */
interface LineCounter {
  add(chunk: Buffer): void
  /**
   * Returns the line on which the next record begins.
   * @param endByte where the record ends in the file, with the blank lines before it
   */
  nextRecord(endByte: number): number
  /** Returns the line on which a record begins that has no end. */
  lastRecord(): number
}

/** Creates a line counter, which keeps no more of the file than the record that is being read. */
function createLineCounter(): LineCounter {
  let unread: Buffer = Buffer.alloc(0)
  let bytesRead = 0
  let line = 1

  function nextRecord(endByte: number): number {
    const length = endByte - bytesRead
    const text = unread.toString('latin1', 0, length)
    const firstLine = line + countLineBreaks(LEADING_LINE_BREAKS.exec(text)?.[0] ?? '')
    unread = unread.subarray(length)
    bytesRead = endByte
    line += countLineBreaks(text)
    return firstLine
  }

  return {
    add(chunk) {
      unread = Buffer.concat([unread, chunk])
    },
    nextRecord,
    lastRecord: () => nextRecord(bytesRead + unread.length)
  }
}

function countLineBreaks(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0
}
