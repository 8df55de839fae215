import type { Edited } from '../catalogue/products/product-editor.ts'
import { etagOf, type ProductRow, toProduct } from '../catalogue/products/product-row.ts'
import { serialiseProduct } from '../catalogue/products/serialise-products.ts'
import { PRODUCTS_PATH } from './cache/product-responses.ts'
import type { StoredResponse } from './idempotency/keyed-transaction.ts'

/** Makes the 201 of a write that created a product: the product, and its path in `Location`. */
export function toCreated({ after }: Edited<ProductRow>): StoredResponse {
  return toResponse(201, after, { location: `${PRODUCTS_PATH}/${toProduct(after).id}` })
}

/** Makes the 200 of a write: the product as it is now. */
export function toWritten({ after }: Edited<ProductRow>): StoredResponse {
  return toResponse(200, after)
}

/** Makes the response of a write that created the product (201) or replaced it (200). */
export function toReplaced(edited: Edited<ProductRow>): StoredResponse {
  return edited.before === undefined ? toCreated(edited) : toWritten(edited)
}

/** Makes the 204 of a write that deleted the product. */
export function toDeleted(): StoredResponse {
  return { status: 204, headers: {}, body: Buffer.alloc(0) }
}

function toResponse(status: number, row: ProductRow, fields: Record<string, string> = {}): StoredResponse {
  const headers = { ...fields, etag: etagOf(row), 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: Buffer.from(serialiseProduct(toProduct(row))) }
}
