import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import { ProductChange, ProductChangePage } from '../../../schemas/changes.ts'
import { Product } from '../../../schemas/products.ts'

const referenced = { Product: Product as Schema, ProductChange: ProductChange as Schema }

/** Writes a page of changes as its schema has it. */
export const serialiseChanges: (page: ProductChangePage) => string = fastJsonStringify(ProductChangePage as Schema, {
  schema: referenced
})
