import { type Static, Type } from '@sinclair/typebox'
import { filterParameters, productExample } from './products.ts'

export const ProductExportQuery = Type.Object(filterParameters, { additionalProperties: false })
export type ProductExportQuery = Static<typeof ProductExportQuery>

/** The last line of an export. */
export interface ProductExportEnd {
  export: {
    /** The number of products in the export. */
    count: number
    /** The `since` with which the change feed continues. */
    changesCursor: string
  }
}

const end: ProductExportEnd = { export: { count: 1, changesCursor: 'AQAAAAAFqQAAxpyQFTKRexwyIQ2gBe9wDA' } }

/** An export of one product: a line with the product, and the last line. */
export const exportExample = `${JSON.stringify(productExample)}\n${JSON.stringify(end)}\n`
