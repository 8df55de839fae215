import { type ProductField, productFields, requiredFields } from '../../../schemas/product-fields.ts'
import type { FieldValues } from '../products/fields.ts'
import { ImportUsageError } from './import-record.ts'

/** The fields that every record must have. */
export const RECORD_FIELDS: readonly ProductField[] = ['sku', ...requiredFields]

/** The most names of ignored columns that are reported: the objects of NDJSON may have any number of names. */
const MAX_IGNORED_NAMES = 50

/** The columns of a file that hold the fields of products. Other columns are ignored. */
export interface ColumnMap {
  /** @throws {ImportUsageError} when a required column is missing, or a field has several columns */
  checkHeader(columns: readonly string[]): void
  /** Returns the values of a record by field. */
  toFields(values: Readonly<Record<string, unknown>>): FieldValues
  /** Returns the ignored columns of a record that were not returned before. */
  newlyIgnored(columns: readonly string[]): string[]
}

/**
 * Parses a mapping of fields to columns, such as `name=product,price=sale_price`. A field that is not mapped is in the
 * column of its own name. Names of columns are compared without regard to case and surrounding blanks.
 * @throws {ImportUsageError} when a part of the mapping is not a field of products and a column
 */
export function parseColumnMap(mapping: string): ColumnMap {
  const chosen = parsePairs(mapping)
  const columnOf = (field: ProductField) => chosen.get(field) ?? field
  const fieldsByColumn = Map.groupBy(productFields, (field) => normalize(columnOf(field)))
  const ignored = new Set<string>()
  const fieldsOf = (column: string) => fieldsByColumn.get(normalize(column)) ?? []

  function checkHeader(columns: readonly string[]): void {
    if (columns.length === 0) throw new ImportUsageError('The file is empty: it has no header line.')
    for (const field of productFields) {
      const count = columns.filter((column) => fieldsOf(column).includes(field)).length
      if (count > 1) throw new ImportUsageError(`The file has several columns with the name "${columnOf(field)}".`)
      if (count === 1 || !(RECORD_FIELDS.includes(field) || chosen.has(field))) continue
      throw new ImportUsageError(
        `The file has no column "${columnOf(field)}". It has: ${columns.join(', ')}.\n` +
          `Say which one holds the ${field} with --map ${field}=COLUMN.`
      )
    }
  }

  function toFields(values: Readonly<Record<string, unknown>>) {
    const fields: Partial<Record<ProductField, unknown>> = {}
    for (const [column, value] of Object.entries(values)) {
      for (const field of fieldsOf(column)) fields[field] = value
    }
    return fields
  }

  function newlyIgnored(columns: readonly string[]): string[] {
    if (ignored.size >= MAX_IGNORED_NAMES) return []
    const names = columns.filter((column) => fieldsOf(column).length === 0 && !ignored.has(column))
    for (const name of names) ignored.add(name)
    return names
  }

  return { checkHeader, toFields, newlyIgnored }
}

function parsePairs(mapping: string): Map<ProductField, string> {
  const pairs = mapping.split(',').filter((pair) => pair.trim() !== '')
  return new Map(
    pairs.map((pair) => {
      const [name = '', ...column] = pair.split('=')
      const field = productFields.find((field) => field === normalize(name))
      if (field === undefined || normalize(column.join('=')) === '') {
        throw new ImportUsageError(`--map takes FIELD=COLUMN, with one of ${productFields.join(', ')}; not "${pair}".`)
      }
      return [field, column.join('=').trim()]
    })
  )
}

function normalize(name: string): string {
  return name.trim().toLowerCase()
}
