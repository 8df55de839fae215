import { type Static, Type } from '@sinclair/typebox'
import { filterParameters, productExample } from './products.ts'

export const ProductExportQuery = Type.Object(filterParameters, { additionalProperties: false })
export type ProductExportQuery = Static<typeof ProductExportQuery>

/** The last line of an export. */
export interface ProductExportEnd {
  export: {
    /** How many products came before. */
    count: number
    /** With which the change feed goes on, as `since`. */
    changesCursor: string
  }
}

const end: ProductExportEnd = { export: { count: 1, changesCursor: 'AQAAAAAFqQAAxpyQFTKRexwyIQ2gBe9wDA' } }

export const exportExample = `${JSON.stringify(productExample)}\n${JSON.stringify(end)}\n`
