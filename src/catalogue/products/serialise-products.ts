import fastJsonStringify, { type Schema } from 'fast-json-stringify'
import { Facets } from '../../../schemas/facets.ts'
import { Pagination, Product, ProductPage } from '../../../schemas/products.ts'

const referenced = { Product: Product as Schema, Pagination: Pagination as Schema }

/** Writes a product as its schema has it: nothing else of it gets out. */
export const serialiseProduct: (product: Product) => string = fastJsonStringify(Product as Schema)

/** Writes a page of products as its schema has it. */
export const serialisePage: (page: ProductPage) => string = fastJsonStringify(ProductPage as Schema, {
  schema: referenced
})

/** Writes facets as their schema has them. */
export const serialiseFacets: (facets: Facets) => string = fastJsonStringify(Facets as Schema)
