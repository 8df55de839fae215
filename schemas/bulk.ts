import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from './patterns.ts'
import { Problem } from './problem.ts'
import { ProductPatch } from './product-inputs.ts'
import { Product, productExample } from './products.ts'
import { Nullable, Ref, StringEnum } from './types.ts'

const sku = Type.String({ description: `The sku of the product; ${patternDetails[SKU_PATTERN]}.` })

/** A line of a bulk that creates or changes a product. */
export const BulkUpsert = Type.Object(
  { ...ProductPatch.properties, sku },
  {
    $id: 'BulkUpsert',
    additionalProperties: false,
    description:
      'The fields of the product with this sku. Missing fields stay as they are. If no product has the sku, one is created: ' +
      'then `name` and `price` are required.'
  }
)
export type BulkUpsert = Static<typeof BulkUpsert>

/** A line of a bulk that deletes a product. */
export const BulkDelete = Type.Object(
  { sku, delete: Type.Literal(true) },
  { $id: 'BulkDelete', additionalProperties: false, description: 'A product to delete.' }
)
export type BulkDelete = Static<typeof BulkDelete>

/** The results that a line of a bulk can have. */
export const BULK_STATUSES = ['created', 'updated', 'unchanged', 'deleted', 'absent', 'refused'] as const
/** The result of a line of a bulk. */
export type BulkStatus = (typeof BULK_STATUSES)[number]

/** A line of the response to a bulk: the result of one line of the body. */
export const BulkResult = Type.Object(
  {
    line: Type.Integer({ minimum: 1, description: 'The number of the line. Blank lines count.' }),
    sku: Nullable(Type.String(), 'The sku of the line; null if the line has no valid one.'),
    status: StringEnum(BULK_STATUSES, {
      description: 'The result. `absent`: there was nothing to delete. `refused`: nothing was changed.'
    }),
    id: Type.Optional({ ...Type.Index(Product, ['id']), description: 'The id of the product, also of a deleted one.' }),
    code: Type.Optional(
      Type.String({
        description: 'The reason for `refused`: `validation-failed`, `malformed-json` or `payload-too-large`.'
      })
    ),
    detail: Type.Optional(Type.String({ description: 'An explanation for people, if there are no `errors`.' })),
    errors: Type.Optional(Type.Index(Problem, ['errors']))
  },
  { $id: 'BulkResult', description: 'The result of one line.' }
)
export type BulkResult = Static<typeof BulkResult>

const count = Type.Integer({ minimum: 0 })
/** The last line of the response to a bulk. */
export const BulkEnd = Type.Object(
  {
    summary: Type.Object({
      lines: Type.Integer({ minimum: 0, description: 'The number of results.' }),
      created: count,
      updated: count,
      unchanged: count,
      deleted: count,
      absent: count,
      refused: count
    }),
    isComplete: Type.Boolean({
      description:
        'Whether the whole body was processed. If not, the line before has the `problem`: send the lines without a result again.'
    })
  },
  { $id: 'BulkEnd', description: 'The last line of the response.' }
)
export type BulkEnd = Static<typeof BulkEnd>

/** The line of the response to a bulk that says why the rest was not processed. */
export const BulkFailure = Type.Object(
  { problem: Ref(Problem) },
  { $id: 'BulkFailure', description: 'Why the rest of the body was not processed.' }
)
export type BulkFailure = Static<typeof BulkFailure>

const { id, sku: skuExample, name, price, category, stock } = productExample

const requestExample = toNdjson([
  { sku: skuExample, name, price, category, stock },
  { sku: 'TEA-0043', price: '9.90' },
  { sku: 'TEA-0044', delete: true },
  { sku: 'TEA-0045', price: -1 }
])

const responseExample = toNdjson([
  { line: 1, sku: skuExample, status: 'created', id },
  { line: 2, sku: 'TEA-0043', status: 'updated', id: '019a8c1e-4b80-7c3a-9d52-6f0e1b2a3c4d' },
  { line: 3, sku: 'TEA-0044', status: 'absent' },
  {
    line: 4,
    sku: 'TEA-0045',
    status: 'refused',
    code: 'validation-failed',
    errors: [{ pointer: '#/price', detail: patternDetails[PRICE_PATTERN] }]
  },
  { summary: { lines: 4, created: 1, updated: 1, unchanged: 0, deleted: 0, absent: 1, refused: 1 }, isComplete: true }
])

/** The content of the body of a bulk. */
export const BulkBody = ndjson([Ref(BulkUpsert), Ref(BulkDelete)], requestExample)
/** The content of the response to a bulk. */
export const BulkAnswer = ndjson([Ref(BulkResult), Ref(BulkFailure), Ref(BulkEnd)], responseExample)

/** Makes the schema of a text of which each line has one of these schemas. */
function ndjson(lines: TSchema[], example: string) {
  const contentSchema = { description: 'The schema of each line.', anyOf: lines }
  return { type: 'string', contentMediaType: 'application/x-ndjson', contentSchema, examples: [example] }
}

function toNdjson(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
