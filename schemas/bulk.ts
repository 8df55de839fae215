import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from './patterns.ts'
import { Problem } from './problem.ts'
import { ProductPatch } from './product-inputs.ts'
import { Product, productExample } from './products.ts'
import { Nullable, Ref, StringEnum } from './types.ts'

const sku = Type.String({ description: `Of the product that is meant: ${patternDetails[SKU_PATTERN]}.` })

export const BulkUpsert = Type.Object(
  { ...ProductPatch.properties, sku },
  {
    $id: 'BulkUpsert',
    additionalProperties: false,
    description:
      'What a product is to be. Fields that are not there stay as they are. Where no product has the sku one is made, ' +
      'for which `name` and `price` are required.'
  }
)
export type BulkUpsert = Static<typeof BulkUpsert>

export const BulkDelete = Type.Object(
  { sku, delete: Type.Literal(true) },
  { $id: 'BulkDelete', additionalProperties: false, description: 'A product that is to be gone.' }
)
export type BulkDelete = Static<typeof BulkDelete>

export const BULK_STATUSES = ['created', 'updated', 'unchanged', 'deleted', 'absent', 'refused'] as const
export type BulkStatus = (typeof BULK_STATUSES)[number]

export const BulkResult = Type.Object(
  {
    line: Type.Integer({ minimum: 1, description: 'Which line it was, blank ones counted.' }),
    sku: Nullable(Type.String(), 'Of the line; null where it has none that can be one.'),
    status: StringEnum(BULK_STATUSES, {
      description: 'What has become of it. `absent`: there was nothing to delete. `refused`: nothing was done.'
    }),
    id: Type.Optional({ ...Type.Index(Product, ['id']), description: 'Of the product, as it is or was.' }),
    code: Type.Optional(
      Type.String({
        description: 'Why it was refused: `validation-failed`, `malformed-json` or `payload-too-large`.'
      })
    ),
    detail: Type.Optional(Type.String({ description: 'The same for a person, where there are no `errors`.' })),
    errors: Type.Optional(Type.Index(Problem, ['errors']))
  },
  { $id: 'BulkResult', description: 'What has become of a line.' }
)
export type BulkResult = Static<typeof BulkResult>

const count = Type.Integer({ minimum: 0 })
export const BulkEnd = Type.Object(
  {
    summary: Type.Object({
      lines: Type.Integer({ minimum: 0, description: 'How many results there were.' }),
      created: count,
      updated: count,
      unchanged: count,
      deleted: count,
      absent: count,
      refused: count
    }),
    isComplete: Type.Boolean({
      description: 'Whether all of the body was done. If not, a line before it has the `problem`: send the rest again.'
    })
  },
  { $id: 'BulkEnd', description: 'The last line.' }
)
export type BulkEnd = Static<typeof BulkEnd>

export const BulkFailure = Type.Object(
  { problem: Ref(Problem) },
  { $id: 'BulkFailure', description: 'Why the rest was not done.' }
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

/** A body of a bulk. */
export const BulkBody = ndjson([Ref(BulkUpsert), Ref(BulkDelete)], requestExample)
/** Its answer. */
export const BulkAnswer = ndjson([Ref(BulkResult), Ref(BulkFailure), Ref(BulkEnd)], responseExample)

/** A text each of whose lines is one of these. */
function ndjson(lines: TSchema[], example: string) {
  const contentSchema = { description: 'Of each line.', anyOf: lines }
  return { type: 'string', contentMediaType: 'application/x-ndjson', contentSchema, examples: [example] }
}

function toNdjson(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
