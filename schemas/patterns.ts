/** Regular expressions of the contract, each with the words that tell a client what was expected. */
export const PRICE_PATTERN = '^(?:0|[1-9][0-9]{0,7})(?:\\.[0-9]{1,2})?$'
export const UUID_PATTERN = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
export const SKU_PATTERN = '^[\\x20-\\x7e]{1,64}$'
/** It may have spaces within, as no field value has them at its ends. */
export const IDEMPOTENCY_KEY_PATTERN = '^[\\x21-\\x7e](?:[\\x20-\\x7e]{0,253}[\\x21-\\x7e])?$'

export const patternDetails: Readonly<Record<string, string>> = {
  [PRICE_PATTERN]: 'must be a decimal from 0 to 99999999.99 with at most two decimals',
  [UUID_PATTERN]: 'must be a UUID',
  [SKU_PATTERN]: 'must be 1 to 64 printable ASCII characters',
  [IDEMPOTENCY_KEY_PATTERN]: 'must be 1 to 255 printable ASCII characters'
}
