import { isUtf8 } from 'node:buffer'
import { type ImportRecord, NOT_UTF8, RECORD_MAX_BYTES } from './import-record.ts'

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\ufeff'

/** Reads JSON objects, one to a line. Blank lines are left out. */
export async function* readNdjson(source: AsyncIterable<Buffer>): AsyncGenerator<ImportRecord> {
  let line = 0
  for await (const bytes of readLines(source)) {
    line++
    if (bytes === null) yield { line, fault: `is longer than ${RECORD_MAX_BYTES} bytes` }
    else if (!isUtf8(bytes)) yield { line, fault: NOT_UTF8 }
    else {
      const text = bytes.toString().replace(BYTE_ORDER_MARK, '').trim()
      if (text !== '') yield { line, ...parseObject(text) }
    }
  }
}

/** The lines without their ends; null for one that is too long. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = []
  let length = 0
  const take = (part: Buffer) => {
    length += part.length
    if (length <= RECORD_MAX_BYTES) parts.push(part)
    else parts = []
  }
  const finish = () => {
    const line = length <= RECORD_MAX_BYTES ? Buffer.concat(parts) : null
    parts = []
    length = 0
    return line
  }
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end))
      yield finish()
      start = end + 1
    }
    take(chunk.subarray(start))
  }
  if (length > 0) yield finish()
}

function parseObject(text: string) {
  try {
    const values: unknown = JSON.parse(text)
    if (isObject(values)) return { values }
    return { fault: 'is not a JSON object' }
  } catch (error) {
    return { fault: `is not valid JSON: ${error instanceof Error ? error.message : error}` }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
