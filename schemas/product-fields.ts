import { type TOptional, type TSchema, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from './patterns.ts'
import { Nullable } from './types.ts'

/*
 * The fields of a product that clients write, one entry each. What the service does with a field is in the entry of the
 * same name in `src/catalogue/products/fields.ts`.
 */

/** The contract of one field. */
interface FieldContract {
  /** The schema of the field in a product. */
  output: TSchema
  /**
   * The schema of the field as clients send it. It gives the type alone: texts are trimmed before they are measured, so
   * their lengths are in the description.
   */
  input: TSchema
  /** The value of a new product whose client does not send the field. A field without a default is required. */
  default?: unknown
  example: unknown
}

/** The longest name, in Unicode characters. */
export const NAME_MAX_LENGTH = 255
/** The longest description, in Unicode characters. */
export const DESCRIPTION_MAX_LENGTH = 5000
/** The longest category, in Unicode characters. */
export const CATEGORY_MAX_LENGTH = 100
/** The largest stock: a signed integer of 32 bits. */
export const STOCK_MAX = 2_147_483_647

const stock = Type.Integer({ minimum: 0, maximum: STOCK_MAX })

/** The fields of a product that clients write, in the order in which they stand in a product. */
export const fieldContracts = {
  sku: {
    output: Nullable(Type.String({ pattern: SKU_PATTERN }), 'The stock keeping unit: unique, case-sensitive.'),
    input: Nullable(Type.String(), `The stock keeping unit: unique, case-sensitive; ${patternDetails[SKU_PATTERN]}.`),
    default: null,
    example: 'TEA-0042'
  },
  name: {
    output: Type.String({ minLength: 1, maxLength: NAME_MAX_LENGTH }),
    input: Type.String({ description: text('Not empty.', NAME_MAX_LENGTH) }),
    example: 'Assam Tea, loose leaf 500 g'
  },
  description: {
    output: Nullable(Type.String({ maxLength: DESCRIPTION_MAX_LENGTH }), 'Free text.'),
    input: Nullable(Type.String(), text('Free text.', DESCRIPTION_MAX_LENGTH)),
    default: null,
    example: 'Strong black tea from the Brahmaputra valley.'
  },
  price: {
    output: Type.String({ pattern: PRICE_PATTERN, description: 'A decimal string with two decimals.' }),
    input: Type.Unsafe<number | string>({
      type: ['number', 'string'],
      description: `A number or a decimal string; ${patternDetails[PRICE_PATTERN]}.`
    }),
    example: '12.50'
  },
  category: {
    output: Nullable(Type.String({ maxLength: CATEGORY_MAX_LENGTH }), 'The one category of the product.'),
    input: Nullable(Type.String(), text('The one category of the product.', CATEGORY_MAX_LENGTH)),
    default: null,
    example: 'Beverages'
  },
  stock: { output: stock, input: stock, default: 0, example: 37 }
} satisfies Record<string, FieldContract>

type Contracts = typeof fieldContracts

/** The name of a field that clients write. */
export type ProductField = keyof Contracts

/** The name of a field without which no product can be created. */
export type RequiredField = {
  [Name in ProductField]: Contracts[Name] extends { default: unknown } ? never : Name
}[ProductField]

/** The names of all fields that clients write, in the order of a product. */
export const productFields = Object.keys(fieldContracts) as ProductField[]

/** The names of the fields without which no product can be created. */
export const requiredFields = productFields.filter((name) => !('default' in fieldContracts[name])) as RequiredField[]

/** The schemas of the fields in a product. */
export const fieldOutputs = mapFields(({ output }) => output) as {
  [Name in ProductField]: Contracts[Name]['output']
}

/** The schemas of the fields in a change of a product, in which each of them may be left out. */
export const fieldInputs = mapFields(({ input }) => input) as { [Name in ProductField]: Contracts[Name]['input'] }

/** The schemas of the fields of a new product: a field that has a default is optional. */
export const newFieldInputs = mapFields((contract) => {
  if (!('default' in contract)) return contract.input
  const { input, default: value } = contract
  return Type.Optional(value === null ? input : { ...input, default: value })
}) as {
  [Name in ProductField]: Name extends RequiredField ? Contracts[Name]['input'] : TOptional<Contracts[Name]['input']>
}

/** An example of each field. */
export const fieldExamples = mapFields(({ example }) => example) as {
  [Name in ProductField]: Contracts[Name]['example']
}

function mapFields(toValue: (contract: FieldContract) => unknown): object {
  return Object.fromEntries(productFields.map((name) => [name, toValue(fieldContracts[name])]))
}

function text(what: string, maxLength: number): string {
  return `${what} Runs of control characters and white space become one space. At most ${maxLength} characters after that.`
}
