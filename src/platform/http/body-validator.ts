import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'

/**
 * Makes the compiler of schemas for bodies. Nothing is coerced: JSON has types, and `"5"` is not 5.
 * @param shared the schemas that others refer to
 */
export function createBodyValidator(shared: readonly AnySchema[]): (schema: AnySchema) => ValidateFunction {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, validateFormats: false, schemas: [...shared] })
  return (schema) => ajv.compile(schema)
}
