/*
 * The regular expressions of the contract.
 */

/** A price: a decimal from 0 to 99999999.99 with at most two decimals. */
export const PRICE_PATTERN = '^(?:0|[1-9][0-9]{0,7})(?:\\.[0-9]{1,2})?$'
/** A UUID in its usual form, in either case. */
export const UUID_PATTERN = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
/** A stock keeping unit: 1 to 64 printable ASCII characters. */
export const SKU_PATTERN = '^[\\x20-\\x7e]{1,64}$'
/** An idempotency key: 1 to 255 printable ASCII characters without spaces at its ends, which a header field can't have. */
export const IDEMPOTENCY_KEY_PATTERN = '^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,253}[\\x21-\\x7e])?$'

/** What each pattern demands, in words that follow the name of a parameter or field: `must be a UUID`. */
export const patternDetails: Readonly<Record<string, string>> = {
  [PRICE_PATTERN]: 'must be a decimal from 0 to 99999999.99 with at most two decimals',
  [UUID_PATTERN]: 'must be a UUID',
  [SKU_PATTERN]: 'must be 1 to 64 printable ASCII characters',
  [IDEMPOTENCY_KEY_PATTERN]: 'must be 1 to 255 printable ASCII characters'
}
