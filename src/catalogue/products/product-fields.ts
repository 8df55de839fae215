import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from '../../../schemas/patterns.ts'
import {
  CATEGORY_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  NAME_MAX_LENGTH,
  type Product,
  STOCK_MAX
} from '../../../schemas/products.ts'
import { normalizeText } from './normalize-text.ts'

/** What a client says about a product; the rest of it is ours. */
export type ProductFields = Pick<Product, 'sku' | 'name' | 'description' | 'price' | 'category' | 'stock'>
export type ProductField = keyof ProductFields

/** What is wrong with a field, in words that follow its name: `must not be empty`. */
export interface FieldFault {
  field: ProductField
  detail: string
}

type Reading<T> = { value: T } | { fault: string }

const SKU = new RegExp(SKU_PATTERN)
const PRICE = new RegExp(PRICE_PATTERN)
const WHOLE_NUMBER = /^[0-9]{1,10}$/
const STOCK_DETAIL = `must be a whole number from 0 to ${STOCK_MAX}`

const readers: { [Field in ProductField]: (value: unknown) => Reading<ProductFields[Field]> } = {
  sku: (value) => (value === null ? { value } : readSku(value)),
  name: (value) => readText(value, NAME_MAX_LENGTH),
  description: (value) => readOptionalText(value, DESCRIPTION_MAX_LENGTH),
  price: readPrice,
  category: (value) => readOptionalText(value, CATEGORY_MAX_LENGTH),
  stock: readStock
}
export const productFields = Object.keys(readers) as ProductField[]

/**
 * Brings the fields that are there into the form in which they are stored. Numbers may be text. An empty description
 * or category is none.
 * @param input values as they came; what is `undefined` counts as not there
 * @returns the fields, or everything that is wrong with them
 */
export function readProductFields(
  input: Partial<Record<ProductField, unknown>>
): { fields: Partial<ProductFields> } | { faults: FieldFault[] } {
  const fields: Partial<Record<ProductField, unknown>> = {}
  const faults: FieldFault[] = []
  for (const field of productFields) {
    if (input[field] === undefined) continue
    const reading = readers[field](input[field])
    if ('fault' in reading) faults.push({ field, detail: reading.fault })
    else fields[field] = reading.value
  }
  return faults.length > 0 ? { faults } : { fields: fields as Partial<ProductFields> }
}

function readSku(value: unknown): Reading<string> {
  const reading = readText(value, Number.POSITIVE_INFINITY)
  if ('fault' in reading || SKU.test(reading.value)) return reading
  return { fault: patternDetails[SKU_PATTERN] ?? '' }
}

function readText(value: unknown, maxLength: number): Reading<string> {
  if (typeof value !== 'string') return { fault: 'must be text' }
  if (!value.isWellFormed()) return { fault: 'must be valid Unicode' }
  const text = normalizeText(value)
  if (text === '') return { fault: 'must not be empty' }
  return isLonger(text, maxLength) ? { fault: `must have at most ${maxLength} characters` } : { value: text }
}

function readOptionalText(value: unknown, maxLength: number): Reading<string | null> {
  if (value === null || (typeof value === 'string' && normalizeText(value) === '')) return { value: null }
  return readText(value, maxLength)
}

function readPrice(value: unknown): Reading<string> {
  const text = typeof value === 'string' ? normalizeText(value) : typeof value === 'number' ? String(value) : ''
  if (!PRICE.test(text)) return { fault: patternDetails[PRICE_PATTERN] ?? '' }
  const [whole, decimals = ''] = text.split('.')
  return { value: `${whole}.${decimals.padEnd(2, '0')}` }
}

function readStock(value: unknown): Reading<number> {
  const text = typeof value === 'string' ? normalizeText(value) : value
  const stock = typeof text === 'string' && WHOLE_NUMBER.test(text) ? Number(text) : text
  if (typeof stock !== 'number' || !Number.isInteger(stock) || stock < 0 || stock > STOCK_MAX) {
    return { fault: STOCK_DETAIL }
  }
  return { value: stock }
}

/** In Unicode characters, as the schemas and MySQL count. */
function isLonger(text: string, maxLength: number): boolean {
  return text.length > maxLength && [...text].length > maxLength
}
