import { isUtf8 } from 'node:buffer'
import { isJsonObject } from '../../platform/http/request-body.ts'
import { createLineSplitter, type Line } from '../../platform/lib/line-splitter.ts'
import { type ImportRecord, NOT_UTF8, RECORD_MAX_BYTES } from './import-record.ts'

const BYTE_ORDER_MARK = '\ufeff'

/** Reads JSON objects, one a line. Blank lines are skipped. */
export async function* readNdjson(source: AsyncIterable<Buffer>): AsyncGenerator<ImportRecord> {
  const splitter = createLineSplitter(RECORD_MAX_BYTES)
  for await (const chunk of source) yield* readRecords(splitter.push(chunk))
  yield* readRecords(splitter.end())
}

function* readRecords(lines: Iterable<Line>): Generator<ImportRecord> {
  for (const { number: line, bytes } of lines) {
    if (bytes === null) yield { line, fault: `is longer than ${RECORD_MAX_BYTES} bytes` }
    else if (!isUtf8(bytes)) yield { line, fault: NOT_UTF8 }
    else {
      const text = bytes.toString().replace(BYTE_ORDER_MARK, '').trim()
      if (text !== '') yield { line, ...parseObject(text) }
    }
  }
}

function parseObject(text: string) {
  try {
    const values: unknown = JSON.parse(text)
    if (isJsonObject(values)) return { values }
    return { fault: 'is not a JSON object' }
  } catch (error) {
    return { fault: `is not valid JSON: ${error instanceof Error ? error.message : error}` }
  }
}
