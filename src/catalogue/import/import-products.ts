import mysql from 'mysql2/promise'
import type { MysqlConfig } from '../../config/config.ts'
import { connectionOptions } from '../../platform/database/connection-options.ts'
import { type ProductUpsert, type Sources, upsertProducts } from '../products/upsert-products.ts'
import type { ColumnMap } from './column-map.ts'
import { readCsv } from './read-csv.ts'
import { readNdjson } from './read-ndjson.ts'
import { type RecordRefusal, readProduct } from './read-product.ts'

/** The format of a file. */
export type Format = 'csv' | 'ndjson'

/** How a file is imported. */
export interface ImportOptions {
  format: Format
  columns: ColumnMap
  sources: Sources
  onRefusal: (refusal: RecordRefusal) => void
  /** Called with columns that hold no field, each of them once. */
  onIgnored: (columns: readonly string[]) => void
  onProgress?: (bytesRead: number, recordsRead: number) => void
}

/** How many records of a file had which result. */
export interface ImportSummary {
  read: number
  created: number
  updated: number
  unchanged: number
  /** Records that were merged into a later record of the same batch with the same `sku`. */
  superseded: number
  refused: number
}

/** The most products of a batch, which is a transaction. */
const BATCH_PRODUCTS = 500
/**
 * A batch also ends when its texts have this many characters: statements stay below the smallest usual limit (16 MiB), even
 * where each character takes its most bytes.
 */
const BATCH_CHARACTERS = 400_000

/**
 * Creates or changes a product for each record of a file, batch by batch. Records that make no product are refused and
 * skipped. An import can be run again at any time: products that have the values already are not touched.
 * @throws {ImportUsageError} when required columns are missing
 */
export async function importProducts(
  config: MysqlConfig,
  source: AsyncIterable<Buffer>,
  options: ImportOptions
): Promise<ImportSummary> {
  const { columns, sources, onIgnored, onRefusal, onProgress } = options
  const summary = { read: 0, created: 0, updated: 0, unchanged: 0, superseded: 0, refused: 0 }
  const connection = await mysql.createConnection(connectionOptions(config))
  let batch = new Map<string, ProductUpsert>()
  let characters = 0

  async function* countBytes(): AsyncGenerator<Buffer> {
    let bytesRead = 0
    for await (const chunk of source) {
      yield chunk
      bytesRead += chunk.length
      onProgress?.(bytesRead, summary.read)
    }
  }

  async function writeBatch(): Promise<void> {
    const outcomes = await upsertProducts(connection, [...batch.values()], sources)
    for (const { status } of outcomes) summary[status]++
    batch = new Map()
    characters = 0
  }

  try {
    const records = options.format === 'csv' ? readCsv(countBytes(), columns.checkHeader) : readNdjson(countBytes())
    for await (const record of records) {
      summary.read++
      const ignored = 'values' in record ? columns.newlyIgnored(Object.keys(record.values)) : []
      if (ignored.length > 0) onIgnored(ignored)
      const result = readProduct(record, columns)
      if ('refusals' in result) {
        summary.refused++
        result.refusals.forEach(onRefusal)
        continue
      }
      const { product } = result
      if (batch.has(product.sku)) summary.superseded++
      batch.set(product.sku, { ...batch.get(product.sku), ...product })
      for (const value of Object.values(product)) if (typeof value === 'string') characters += value.length
      if (batch.size >= BATCH_PRODUCTS || characters >= BATCH_CHARACTERS) await writeBatch()
    }
    await writeBatch()
    await connection.end()
  } finally {
    connection.destroy()
  }
  return summary
}
