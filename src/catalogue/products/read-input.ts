import type { ProductInput, ProductPatch } from '../../../schemas/product-inputs.ts'
import { validationFailed } from '../../platform/errors/app-error.ts'
import type { NewFields } from './next-row.ts'
import { type ProductFields, readProductFields } from './product-fields.ts'

/**
 * Brings a product that has passed its schema into the form in which it is stored.
 * @throws {AppError} `validation-failed`, with everything that is wrong
 */
export function readInput(input: ProductInput): NewFields {
  // Both are there: the schema requires them.
  const { name = '', price = '', ...optional } = readPatch(input)
  return { name, price, ...optional }
}

/** The same for a merge patch: its fields are all at the top, so what it says is what becomes of them. */
export function readPatch(patch: ProductPatch): Partial<ProductFields> {
  const reading = readProductFields(patch)
  if ('fields' in reading) return reading.fields
  throw validationFailed(reading.faults.map(({ field, detail }) => ({ pointer: `#/${field}`, detail })))
}
