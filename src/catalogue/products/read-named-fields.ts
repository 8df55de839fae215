import { type FieldFault, type ProductField, type ProductFields, readProductFields } from './product-fields.ts'

/**
 * Reads the fields that are meant, and passes over all others.
 * @param required neither left out nor null
 * @returns the fields in the form in which they are stored, or everything that is wrong with them
 */
export function readNamedFields(
  input: Readonly<Partial<Record<ProductField, unknown>>>,
  required: readonly ProductField[],
  optional: readonly ProductField[]
): { fields: Partial<ProductFields> } | { faults: FieldFault[] } {
  const missing = required.filter((field) => input[field] === undefined || input[field] === null)
  const meant = Object.fromEntries([...required, ...optional].map((field) => [field, input[field]]))
  const reading = readProductFields(meant)
  if ('fields' in reading && missing.length === 0) return reading
  const others = 'faults' in reading ? reading.faults.filter(({ field }) => !missing.includes(field)) : []
  return { faults: [...missing.map((field) => ({ field, detail: 'is required' })), ...others] }
}
