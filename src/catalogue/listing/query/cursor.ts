import { parameterError } from '../../../platform/errors/app-error.ts'
import { createCursorCodec, shortHash } from '../../../platform/lib/opaque-cursor.ts'

/** A position in a sorted list: between two rows, next to a row that has this sort value and id, or had them. */
export interface Position {
  /** The sort value as text, in the form of the API: times as RFC 3339, prices as decimal strings. */
  value: string
  id: Buffer
  /** Whether the row with this value and id belongs to the page. */
  inclusive: boolean
  /** Whether the page lies before the position in the order of the list, instead of after it. */
  backward: boolean
}

/**
 * The payload of a cursor:
 *
 *     flags 1 | fingerprint 8 | id 16 | sort value n
 *
 * The fingerprint binds a cursor to sort and filters.
 */
const codec = createCursorCodec({ version: 1 })
const BACKWARD = 1
const INCLUSIVE = 2
const FINGERPRINT_AT = 1
const ID_AT = 9
const VALUE_AT = 25

/**
 * Computes the part of a cursor that binds it to a query.
 * @param query everything that decides which rows a list has, and in which order
 * @returns 8 bytes of a hash
 */
export function fingerprintQuery(query: unknown): Buffer {
  return shortHash(JSON.stringify(query))
}

/**
 * Writes the cursor of a position.
 * @param fingerprint that of the list's query, from `fingerprintQuery`
 * @returns text that clients send back unchanged
 */
export function encodeCursor(position: Position, fingerprint: Buffer): string {
  const flags = (position.backward ? BACKWARD : 0) | (position.inclusive ? INCLUSIVE : 0)
  return codec.encode(Buffer.concat([Buffer.of(flags), fingerprint, position.id, Buffer.from(position.value)]))
}

/**
 * Reads the position from a cursor.
 * @param fingerprint that of the query that the cursor came with
 * @throws {AppError} `invalid-cursor` when it is damaged or was not made here, `cursor-mismatch` when sort or filters
 * are not those that it was made for
 */
export function decodeCursor(cursor: string, fingerprint: Buffer): Position {
  const payload = codec.decode(cursor)
  if (payload === undefined || payload.length < VALUE_AT) {
    throw parameterError('cursor', 'was not given out by this service, or is damaged', 'invalid-cursor')
  }
  if (!payload.subarray(FINGERPRINT_AT, ID_AT).equals(fingerprint)) {
    throw parameterError('cursor', 'was given out for another sort or other filters', 'cursor-mismatch')
  }
  const flags = payload[0] ?? 0
  return {
    value: payload.toString('utf8', VALUE_AT),
    id: payload.subarray(ID_AT, VALUE_AT),
    inclusive: (flags & INCLUSIVE) !== 0,
    backward: (flags & BACKWARD) !== 0
  }
}
