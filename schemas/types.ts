import { type Static, type TSchema, type TString, Type } from '@sinclair/typebox'

/** A string that is one of `values`, as a plain JSON Schema `enum`. */
export function StringEnum<const T extends readonly string[]>(
  values: T,
  options: { description?: string; default?: T[number] }
) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options })
}

/** Refers to a schema that the application has registered under its `$id`, and keeps its type. */
export function Ref<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

/** A string, or null. */
export function Nullable<T extends TString>(schema: T, description: string) {
  return Type.Unsafe<string | null>({ ...schema, type: ['string', 'null'], description })
}
