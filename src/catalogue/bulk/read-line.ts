import { BulkDelete, BulkUpsert } from '../../../schemas/bulk.ts'
import type { Problem } from '../../../schemas/problem.ts'
import type { ProblemCode } from '../../../schemas/problem-types.ts'
import { PRODUCT_MAX_BYTES } from '../../config/limits.ts'
import { AppError, validationFailed } from '../../platform/errors/app-error.ts'
import { validationFromSchema } from '../../platform/errors/framework-errors.ts'
import { createBodyValidator, parseJson } from '../../platform/http/request-body.ts'
import type { Line } from '../../platform/lib/line-splitter.ts'
import { readPatch, readProductFields } from '../products/fields.ts'
import { type SkuEdit, skuOf } from '../products/upsert-products.ts'

/** The reason why a line is refused. */
export interface LineRefusal {
  code: ProblemCode
  detail?: string
  errors?: NonNullable<Problem['errors']>
}

/** A line of a bulk: its number, its `sku` (null without a valid one), and the edit that it asks for or why it is refused. */
export type BulkLine = { line: number; sku: string | null } & ({ edit: SkuEdit } | { refusal: LineRefusal })

const compile = createBodyValidator([])
const isUpsert = compile(BulkUpsert)
const isDelete = compile(BulkDelete)

/**
 * Reads a line of a bulk by the rules of single writes.
 * @returns undefined for a blank line
 */
export function readLine({ number: line, bytes }: Line): BulkLine | undefined {
  if (bytes === null) {
    const detail = `The line has more than ${PRODUCT_MAX_BYTES} bytes.`
    return { line, sku: null, refusal: { code: 'payload-too-large', detail } }
  }
  if (isBlank(bytes)) return undefined
  let value: unknown
  try {
    value = parseJson(bytes)
  } catch {
    const detail = 'The line is not valid JSON in UTF-8, or it is nested too deeply.'
    return { line, sku: null, refusal: { code: 'malformed-json', detail } }
  }
  try {
    const edit = readEdit(value)
    return { line, sku: skuOf(edit), edit }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { line, sku: readSku(value), refusal: refusalOf(error) }
  }
}

/** Makes the refusal of a line from the error that a single write would get. */
export function refusalOf({ code, message, errors }: AppError): LineRefusal {
  return errors === undefined ? { code, detail: message } : { code, errors }
}

function readEdit(value: unknown): SkuEdit {
  const isDeletion = typeof value === 'object' && value !== null && Object.hasOwn(value, 'delete')
  const validate = isDeletion ? isDelete : isUpsert
  if (!validate(value)) throw validationFromSchema(validate.errors ?? [], 'body')
  const { sku, ...fields } = readPatch(isDeletion ? { sku: (value as BulkDelete).sku } : (value as BulkUpsert))
  // It is there: the schema requires it.
  if (sku == null) throw validationFailed([{ pointer: '#/sku', detail: 'is required' }])
  return isDeletion ? { delete: sku } : { upsert: { sku, ...fields } }
}

/** Reads the sku of a line that is refused for another reason. */
function readSku(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('sku' in value)) return null
  const reading = readProductFields({ sku: value.sku })
  return 'fields' in reading ? (reading.fields.sku ?? null) : null
}

const SPACES: readonly number[] = [0x20, 0x09, 0x0d]

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => SPACES.includes(byte))
}
