import assert from 'node:assert/strict'
import type { ProductExportEnd } from '../../schemas/export.ts'
import type { Product } from '../../schemas/products.ts'
import { exchange } from './exchange.ts'

export const EXPORT = '/api/v1/products/export'

export interface Exported extends Pick<ProductExportEnd['export'], 'changesCursor'> {
  products: Product[]
  /** As they came. */
  lines: string[]
}

/** Reads an export as a client does: without its last line it is none. */
export async function readExport(url: string, key: string, query = ''): Promise<Exported> {
  const { status, body } = await exchange(`${url}${EXPORT}?${query}`, { 'x-api-key': key })
  assert.equal(status, 200, body.toString())
  return parseExport(body.toString())
}

export function parseExport(text: string): Exported {
  const lines = text.split('\n')
  assert.equal(lines.pop(), '', 'each line has its end')
  const { count, changesCursor } = (JSON.parse(lines.pop() ?? '{}') as ProductExportEnd).export
  assert.equal(count, lines.length)
  return { products: lines.map((line) => JSON.parse(line)), lines, changesCursor }
}
