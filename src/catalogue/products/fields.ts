import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from '../../../schemas/patterns.ts'
import {
  CATEGORY_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  fieldContracts,
  NAME_MAX_LENGTH,
  type ProductField,
  productFields,
  type RequiredField,
  STOCK_MAX
} from '../../../schemas/product-fields.ts'
import type { Product } from '../../../schemas/products.ts'
import { normalizeText } from './normalize-text.ts'

/** The value of a field in its stored form, or what is wrong with it, in words that follow its name: `must not be empty`. */
type FieldReading<Value> = { value: Value } | { fault: string }

/** The stored form of a value: what its column holds. Lists and objects are stored as JSON text, others as they are. */
type Stored<Value> = Value extends object ? string : Value

/** What the service does with one field. */
interface FieldRule<Value> {
  /** The column of `products` that holds the field. The column of a list or an object is a text column. */
  column: string
  /** Brings a value from a request, a file, a webhook or a feed into its stored form. */
  read(value: unknown): FieldReading<Stored<Value>>
  /**
   * Whether the field has a last-writer-wins register. Webhook events and supplier feeds write the fields that have one,
   * and pass over the others.
   */
  hasRegister: boolean
}

/**
 * The fields of a product that clients write: everything but their schemas, defaults and examples, which are in the entry
 * of the same name in `schemas/product-fields.ts`. To add a field, add both entries and a migration with its column.
 *
 * A field that lists filter or sort by needs more: a query parameter, its condition and index (`../listing`), and a place in
 * `ListingKey` (`../change-log/change.ts`), from which cached lists learn of its changes.
 */
const fieldRules = {
  sku: { column: 'sku', read: readSku, hasRegister: false },
  name: { column: 'name', read: (value) => readText(value, NAME_MAX_LENGTH), hasRegister: true },
  description: {
    column: 'description',
    read: (value) => readOptionalText(value, DESCRIPTION_MAX_LENGTH),
    hasRegister: true
  },
  price: { column: 'price', read: readPrice, hasRegister: true },
  category: { column: 'category', read: (value) => readOptionalText(value, CATEGORY_MAX_LENGTH), hasRegister: true },
  stock: { column: 'stock', read: readStock, hasRegister: true }
} as const satisfies { readonly [Name in ProductField]: FieldRule<Product[Name]> }

/** The fields of a product in their stored form. */
export type ProductFields = { [Name in ProductField]: Stored<Product[Name]> }

/** The fields of a new product in their stored form. Those that have a default may be missing. */
export type NewFields = Partial<ProductFields> & Pick<ProductFields, RequiredField>

/** The name of a field that has a last-writer-wins register. */
export type RegisteredField = {
  [Name in ProductField]: (typeof fieldRules)[Name]['hasRegister'] extends true ? Name : never
}[ProductField]

/** A field as the statements and readers need it. */
interface FieldEntry {
  name: ProductField
  column: string
  /** Whether the column holds JSON text. */
  isJson: boolean
  read(value: unknown): FieldReading<ProductFields[ProductField]>
}

/** All fields, in the order in which they stand in a product. */
export const fieldEntries: readonly FieldEntry[] = productFields.map((name) => {
  const { type } = fieldContracts[name].output
  const { column, read } = fieldRules[name]
  return { name, column, isJson: type === 'array' || type === 'object', read }
})

/** The names of the fields that have a last-writer-wins register. */
export const registeredFields = productFields.filter((name) => fieldRules[name].hasRegister) as RegisteredField[]

/** The default of each field that has one, in its stored form. */
export const fieldDefaults = Object.fromEntries(
  fieldEntries.flatMap(({ name, isJson }) => {
    const contract = fieldContracts[name]
    if (!('default' in contract)) return []
    return [[name, isJson ? JSON.stringify(contract.default) : contract.default]]
  })
) as Omit<ProductFields, RequiredField>

/** Completes the fields of a new product with the defaults of those that are missing. */
export function withDefaults(fields: NewFields): ProductFields {
  return { ...fieldDefaults, ...fields }
}

const SKU = new RegExp(SKU_PATTERN)
const PRICE = new RegExp(PRICE_PATTERN)
const WHOLE_NUMBER = /^[0-9]{1,10}$/

function readSku(value: unknown): FieldReading<string | null> {
  if (value === null) return { value }
  const reading = readText(value, Number.POSITIVE_INFINITY)
  if ('fault' in reading || SKU.test(reading.value)) return reading
  return { fault: patternDetails[SKU_PATTERN] ?? '' }
}

/** Text that is not empty after normalisation. */
function readText(value: unknown, maxLength: number): FieldReading<string> {
  if (typeof value !== 'string') return { fault: 'must be text' }
  if (!value.isWellFormed()) return { fault: 'must be valid Unicode' }
  const text = normalizeText(value)
  if (text === '') return { fault: 'must not be empty' }
  return isLonger(text, maxLength) ? { fault: `must have at most ${maxLength} characters` } : { value: text }
}

/** Text, or null; empty text is null. */
function readOptionalText(value: unknown, maxLength: number): FieldReading<string | null> {
  if (value === null || (typeof value === 'string' && normalizeText(value) === '')) return { value: null }
  return readText(value, maxLength)
}

/** A number, or its decimal text. */
function readPrice(value: unknown): FieldReading<string> {
  const text = typeof value === 'string' ? normalizeText(value) : typeof value === 'number' ? String(value) : ''
  if (!PRICE.test(text)) return { fault: patternDetails[PRICE_PATTERN] ?? '' }
  const [whole, decimals = ''] = text.split('.')
  return { value: `${whole}.${decimals.padEnd(2, '0')}` }
}

/** A whole number, or its decimal text. */
function readStock(value: unknown): FieldReading<number> {
  const text = typeof value === 'string' ? normalizeText(value) : value
  const stock = typeof text === 'string' && WHOLE_NUMBER.test(text) ? Number(text) : text
  if (typeof stock !== 'number' || !Number.isInteger(stock) || stock < 0 || stock > STOCK_MAX) {
    return { fault: `must be a whole number from 0 to ${STOCK_MAX}` }
  }
  return { value: stock }
}

/** Counts Unicode characters, as the schemas and MySQL do. */
function isLonger(text: string, maxLength: number): boolean {
  return text.length > maxLength && [...text].length > maxLength
}
