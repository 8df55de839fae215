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
import type { ProductInput, ProductPatch } from '../../../schemas/product-inputs.ts'
import type { Product } from '../../../schemas/products.ts'
import { validationFailed } from '../../platform/errors/app-error.ts'

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

const CONTROL_OR_SPACE = /[\p{Cc}\s]+/gu

/** Trims, and makes each run of control characters and white space one space. */
export function normalizeText(text: string): string {
  return text.replace(CONTROL_OR_SPACE, ' ').trim()
}

/** Values by the names of fields, as they came. A value that is `undefined` counts as missing. */
export type FieldValues = Readonly<Partial<Record<ProductField, unknown>>>

/** What is wrong with a field, in words that follow its name: `must not be empty`. */
export interface FieldFault {
  field: ProductField
  detail: string
}

/** The fields of an input in their stored form, or everything that is wrong with them. */
export type FieldsReading = { fields: Partial<ProductFields> } | { faults: FieldFault[] }

/**
 * Brings the fields of an input into their stored form. Numbers may be text. Empty text is null where a field may be
 * null.
 */
export function readProductFields(input: FieldValues): FieldsReading {
  const fields: Partial<Record<ProductField, unknown>> = {}
  const faults: FieldFault[] = []
  for (const { name, read } of fieldEntries) {
    if (input[name] === undefined) continue
    const reading = read(input[name])
    if ('fault' in reading) faults.push({ field: name, detail: reading.fault })
    else fields[name] = reading.value
  }
  return faults.length > 0 ? { faults } : { fields: fields as Partial<ProductFields> }
}

/**
 * Reads the fields that a message is about, and ignores all others.
 * @param required the fields that may be neither missing nor null
 */
export function readNamedFields(
  input: FieldValues,
  required: readonly ProductField[],
  optional: readonly ProductField[]
): FieldsReading {
  const missing = required.filter((field) => input[field] === undefined || input[field] === null)
  const named = Object.fromEntries([...required, ...optional].map((field) => [field, input[field]]))
  const reading = readProductFields(named)
  if ('fields' in reading && missing.length === 0) return reading
  const others = 'faults' in reading ? reading.faults.filter(({ field }) => !missing.includes(field)) : []
  return { faults: [...missing.map((field) => ({ field, detail: 'is required' })), ...others] }
}

/**
 * Brings a new product that has passed its schema into its stored form.
 * @throws {AppError} `validation-failed`, with everything that is wrong
 */
export function readInput(input: ProductInput): NewFields {
  // The schema has made sure of the required fields.
  return readPatch(input) as NewFields
}

/**
 * Brings a merge patch that has passed its schema into its stored form. All fields are at the top level, so each field of
 * the patch is the field as it is to be.
 * @throws {AppError} `validation-failed`, with everything that is wrong
 */
export function readPatch(patch: ProductPatch): Partial<ProductFields> {
  const reading = readProductFields(patch)
  if ('fields' in reading) return reading.fields
  throw validationFailed(reading.faults.map(({ field, detail }) => ({ pointer: `#/${field}`, detail })))
}
