import { type ProductField, productFields } from '../products/product-fields.ts'
import { ImportUsageError } from './import-record.ts'

/** What a record can't be without. */
export const REQUIRED_FIELDS: readonly ProductField[] = ['sku', 'name', 'price']

/** An object may have names without end; they are told once each, and not all of them. */
const MAX_IGNORED_NAMES = 50

/** Which column of a file has which field of a product. Columns of no field are ignored. */
export interface ColumnMap {
  /** @throws {ImportUsageError} when a column that is needed is missing, or a field has several */
  checkHeader(columns: readonly string[]): void
  /** The values of a record by their fields. */
  toFields(values: Readonly<Record<string, unknown>>): Partial<Record<ProductField, unknown>>
  /** The columns of a record that are ignored, each of them once. */
  newlyIgnored(columns: readonly string[]): string[]
}

/**
 * Reads a mapping such as `name=product,price=sale_price`. Fields that it leaves out are in the columns of their name.
 * Columns are known by their names without regard to case and to blanks around them.
 * @throws {ImportUsageError} when it does not name a field of products and a column for it
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
      if (count === 1 || !(REQUIRED_FIELDS.includes(field) || chosen.has(field))) continue
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
