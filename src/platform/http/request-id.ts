import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const WELL_FORMED = /^[\w-]{8,128}$/

/**
 * Makes a function that returns the id of a request: its `X-Request-Id` when that has 8 to 128 letters, digits, `_` and
 * `-`; otherwise a random prefix of this process and a counter.
 */
export function createRequestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    return typeof given === 'string' && WELL_FORMED.test(given) ? given : `${prefix}-${(++count).toString(36)}`
  }
}
