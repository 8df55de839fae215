import type { Edited } from '../../../../../src/catalogue/products/product-editor.ts'
import { etagOf, type ProductRow, toProduct } from '../../../../../src/catalogue/products/product-row.ts'
import { serialiseProduct } from '../../../../../src/catalogue/products/serialise-products.ts'
import type { StoredResponse } from '../../../../../src/edge/idempotency/stored-responses.ts'

export const PRODUCTS_PATH = '/api/v1/products'

/** 201: the product, which is new, and its place. */
export function toCreated({ after }: Edited<ProductRow>): StoredResponse {
  return answer(201, after, { location: `${PRODUCTS_PATH}/${toProduct(after).id}` })
}

/** 200: the product, as it is now. */
export function toWritten({ after }: Edited<ProductRow>): StoredResponse {
  return answer(200, after)
}

/** Either of them. */
export function toReplaced(edited: Edited<ProductRow>): StoredResponse {
  return edited.before === undefined ? toCreated(edited) : toWritten(edited)
}

function answer(status: number, row: ProductRow, fields: Record<string, string> = {}): StoredResponse {
  const headers = { ...fields, etag: etagOf(row), 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: Buffer.from(serialiseProduct(toProduct(row))) }
}
