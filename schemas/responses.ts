/** What answers that are cached have in common. */
export const cacheHeaders = {
  'Cache-Control': { type: 'string', description: 'To be stored, and asked for again with its entity tag.' },
  'Cache-Status': { type: 'string', description: 'Where the answer comes from, as in RFC 9211.' }
}

export const notModified = { description: 'It is what the client has already.', type: 'null' }
