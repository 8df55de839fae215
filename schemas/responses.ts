/** The header fields of responses that are cached. */
export const cacheHeaders = {
  'Cache-Control': {
    type: 'string',
    description: 'The response may be stored, and must be revalidated with its entity tag.'
  },
  'Cache-Status': { type: 'string', description: 'Where the response comes from (RFC 9211).' }
}

/** The 304 of a conditional request. */
export const notModified = { description: 'The client has the current state already.', type: 'null' }
