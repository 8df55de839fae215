/*
 * Sizes that hold in more than one place of the contract. The limits of a single field stand with the field
 * (`product-fields.ts`).
 */

/** The largest body of a request, in bytes, where a route does not say otherwise. */
export const BODY_MAX_BYTES = 1_048_576

/**
 * The largest JSON text of one product, in bytes: a body of a single write, or a line of a bulk. It has room for the
 * longest product with twelve bytes for each character (`\ud83c\udf75`), and as much again for the rest.
 */
export const PRODUCT_MAX_BYTES = 131_072

/** The largest stock of a product: a signed integer of 32 bits. */
export const STOCK_MAX = 2_147_483_647

/** The longest cursor that is read, in characters. */
export const CURSOR_MAX_LENGTH = 2048
