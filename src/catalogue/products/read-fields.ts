import type { ProductField } from '../../../schemas/product-fields.ts'
import type { ProductInput, ProductPatch } from '../../../schemas/product-inputs.ts'
import { validationFailed } from '../../platform/errors/app-error.ts'
import { fieldEntries, type NewFields, type ProductFields } from './fields.ts'

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
