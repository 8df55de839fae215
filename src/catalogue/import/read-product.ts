import type { ProductField } from '../../../schemas/product-fields.ts'
import { readProductFields } from '../products/fields.ts'
import type { ProductUpsert } from '../products/upsert-products.ts'
import { type ColumnMap, RECORD_FIELDS } from './column-map.ts'
import type { ImportRecord } from './import-record.ts'

/** A reason why a record is refused. */
export interface RecordRefusal {
  line: number
  sku: string | null
  /** The field with the fault, or null when the whole record can't be read. */
  field: ProductField | null
  detail: string
}

const QUOTED_MAX_LENGTH = 60

/** Makes a product of a record, or lists everything that is wrong with it. */
export function readProduct(
  record: ImportRecord,
  columns: ColumnMap
): { product: ProductUpsert } | { refusals: RecordRefusal[] } {
  if ('fault' in record) return { refusals: [{ line: record.line, sku: null, field: null, detail: record.fault }] }
  const input = columns.toFields(record.values)
  const missing = RECORD_FIELDS.filter((field) => isMissing(input[field]))
  const present = { ...input, ...Object.fromEntries(missing.map((field) => [field, undefined])) }
  const reading = readProductFields(present)
  if (missing.length === 0 && 'fields' in reading) return { product: reading.fields as ProductUpsert }

  const place = { line: record.line, sku: isMissing(input.sku) ? null : String(input.sku) }
  const faults = 'faults' in reading ? reading.faults : []
  return {
    refusals: [
      ...missing.map((field) => ({ ...place, field, detail: 'is missing' })),
      ...faults.map(({ field, detail }) => ({ ...place, field, detail: `${detail}, not ${quote(input[field])}` }))
    ]
  }
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length <= QUOTED_MAX_LENGTH ? text : `${text.slice(0, QUOTED_MAX_LENGTH)}…`
}
