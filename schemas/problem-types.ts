/** A kind of problem that a client can meet. */
export interface ProblemType {
  status: number
  /** A short summary, the same words each time. */
  title: string
  /** When it occurs, for the documentation. */
  description: string
  /** What a client should do about it, for the documentation. */
  action: string
  /** The URI of the type when others have defined it; `urn:aisle:problem:` and the code otherwise. */
  type?: string
}

const FIX = 'Fix the request; sending it again unchanged will fail again.'
const RETRY = 'Send the request again after the time in `Retry-After`.'
const RETRY_IDEMPOTENT = `${RETRY} For a write, use an \`Idempotency-Key\`: the first attempt may have been committed.`

/**
 * Every problem type, by its code. Codes are part of the contract: version 1 of the API adds codes, and never changes or
 * removes one. `docs/errors.md` is generated from this table (`npm run docs`).
 */
export const problemTypes = {
  'validation-failed': {
    status: 400,
    title: 'The request is not valid',
    description: 'A parameter, header or body field is missing, unknown or not valid. `errors` has one entry for each.',
    action: FIX
  },
  'invalid-cursor': {
    status: 400,
    title: 'The cursor is not valid',
    description: 'The cursor was changed or cut, or is from a later or incompatible version.',
    action: 'Use cursors exactly as they were received. Start again without one.'
  },
  'cursor-mismatch': {
    status: 400,
    title: 'The cursor belongs to another query',
    description: 'The cursor comes from a list with other filters or another sort order.',
    action: 'Repeat the filters and the sort order with the cursor, or start again without a cursor.'
  },
  'malformed-json': {
    status: 400,
    title: 'The body is not valid JSON',
    description: 'The body cannot be parsed as JSON in UTF-8, or is nested too deeply.',
    action: FIX
  },
  'malformed-request': {
    status: 400,
    title: 'The request is not valid HTTP',
    description: 'The URL or a header field is malformed, or the body ended early.',
    action: FIX
  },
  'key-in-url': {
    status: 400,
    title: 'An API key does not belong in a URL',
    description: 'The URL contains an API key. URLs end up in logs and browser histories.',
    action: 'Send the key in the `X-API-Key` or `Authorization` header, and revoke the key that was exposed.'
  },
  unauthorized: {
    status: 401,
    title: 'A valid API key is required',
    description:
      'The request has no API key where one is required, or one that is malformed, unknown, expired or revoked.',
    action: 'Send a valid key in `X-API-Key`, or as a bearer token in `Authorization`.'
  },
  'signature-missing': {
    status: 401,
    title: 'A signature is required',
    description: 'A webhook was delivered without the signature headers of a supported scheme.',
    action: 'Configure the sender to sign its webhooks.'
  },
  'signature-malformed': {
    status: 401,
    title: 'The signature is malformed',
    description: 'The signature headers of a webhook do not have the form that their scheme prescribes.',
    action: FIX
  },
  'signature-mismatch': {
    status: 401,
    title: 'The signature does not match the body',
    description:
      'No configured secret produces this signature: sender and receiver have different secrets, or the body was changed on the way.',
    action: 'Compare the secrets. Sign the bytes of the body exactly as they are sent.'
  },
  'signature-expired': {
    status: 401,
    title: 'The timestamp of the signature is too far from the current time',
    description: 'The webhook was signed too long ago, or one of the clocks is wrong.',
    action: 'Sign each delivery anew, and synchronise the clock of the sender.'
  },
  forbidden: {
    status: 403,
    title: 'The API key may not do this',
    description: 'The API key is valid, but does not have the required scope.',
    action: 'Use a key with that scope.'
  },
  'route-not-found': {
    status: 404,
    title: 'There is no such route',
    description: 'No resource has this path.',
    action: FIX
  },
  'product-not-found': {
    status: 404,
    title: 'There is no such product',
    description: 'No product has this id; it may have been deleted.',
    action: 'Treat the product as gone.'
  },
  'webhook-event-not-found': {
    status: 404,
    title: 'There is no such webhook event',
    description: 'No received event has this number, or it is older than the retention time.',
    action: 'Treat the event as gone.'
  },
  'method-not-allowed': {
    status: 405,
    title: 'The route does not have this method',
    description: 'The path exists, but not with this method. `Allow` lists the methods that it has.',
    action: FIX
  },
  'request-timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    description: 'The header fields or the body did not arrive within the time limit.',
    action: 'Send the request again, on a new connection.'
  },
  'sku-conflict': {
    status: 409,
    title: 'Another product has this sku',
    description: 'SKUs are unique. `productId` is the id of the product that has this one.',
    action: 'Update that product, or use another SKU.'
  },
  'insufficient-stock': {
    status: 409,
    title: 'The stock would fall below zero',
    description: 'A stock adjustment would take more than there is.',
    action: 'Take at most what is in stock.'
  },
  'stock-limit': {
    status: 409,
    title: 'The stock would exceed its maximum',
    description: 'A stock adjustment would exceed the largest stock that can be stored.',
    action: FIX
  },
  'idempotency-key-in-use': {
    status: 409,
    title: 'A request with this Idempotency-Key is being processed',
    description: 'The first request with this `Idempotency-Key` has not finished yet.',
    action: RETRY
  },
  'webhook-event-not-replayable': {
    status: 409,
    title: 'The webhook event cannot be replayed',
    description: 'Only events that have been processed can be replayed, and only while the event is kept.',
    action: 'Wait until the event has been processed.'
  },
  'cursor-expired': {
    status: 410,
    title: 'The cursor is too old',
    description:
      'The change feed no longer holds all changes since this cursor, or the database was restored to an older state.',
    action: 'Start again: export all products, then follow the changes.'
  },
  'precondition-failed': {
    status: 412,
    title: 'The resource is not in the expected state',
    description:
      '`If-Match` or `If-None-Match` excludes the current state of the resource: somebody else has changed it.',
    action: 'Read the resource again, and decide whether the change still applies.'
  },
  'payload-too-large': {
    status: 413,
    title: 'The body is too large',
    description: 'The body exceeds the limit of the route, which is 1 MiB unless documented otherwise.',
    action: 'Send less at once. For many products use the bulk route.'
  },
  'uri-too-long': {
    status: 414,
    title: 'The URL is too long',
    description: 'The URL, or a part of its path, exceeds the limit.',
    action: FIX
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body has an unsupported media type',
    description: 'The route does not accept this content type, this charset, or compressed bodies.',
    action: FIX
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    description: 'Another request was sent with this `Idempotency-Key` within 24 hours.',
    action: 'Use a new key for each operation, and the same key only for retries of one.'
  },
  'quota-exceeded': {
    status: 429,
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    description: 'The client has sent more requests than its rate limit allows. `violated-policies` names the limit.',
    action: RETRY,
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded'
  },
  'headers-too-large': {
    status: 431,
    title: 'The header fields are too large',
    description: 'All header fields together exceed the limit.',
    action: FIX
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong on our side',
    description: 'An unexpected error. It is logged with the `requestId`.',
    action: 'Report it with the `requestId`. For a write, find out whether it was committed before sending it again.'
  },
  'database-unavailable': {
    status: 503,
    title: 'The database is not available',
    description: 'The database cannot be reached, is starting, or is being migrated.',
    action: RETRY_IDEMPOTENT
  },
  'database-timeout': {
    status: 503,
    title: 'The database took too long',
    description: 'The database did not answer within the time limit.',
    action: RETRY_IDEMPOTENT
  },
  overloaded: {
    status: 503,
    title: 'The service is overloaded',
    description: 'The service has more work of this kind than it can take.',
    action: RETRY
  },
  'upstream-unavailable': {
    status: 503,
    title: 'Another service that is needed is not available',
    description: 'The request needs another service, which does not answer.',
    action: RETRY
  },
  'handler-timeout': {
    status: 503,
    title: 'The request took too long to process',
    description: 'The response was not ready within the time limit.',
    action: RETRY_IDEMPOTENT
  },
  'webhooks-disabled': {
    status: 503,
    title: 'The service does not accept webhooks',
    description: 'No webhook secret is configured (`WEBHOOK_SECRET`).',
    action: 'Deliver the webhook again later: senders should treat this like any other 503.'
  },
  'shutting-down': {
    status: 503,
    title: 'The service is shutting down',
    description: 'This instance is stopping and takes no long-running work any more.',
    action: 'Send the request again: a load balancer sends it to another instance.'
  }
} as const satisfies Record<string, ProblemType>

/** The stable code of a problem type, in kebab-case. */
export type ProblemCode = keyof typeof problemTypes
