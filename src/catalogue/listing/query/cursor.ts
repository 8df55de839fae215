import { parameterError } from '../../../platform/errors/app-error.ts'
import { createCursorCodec, shortHash } from '../../../platform/lib/opaque-cursor.ts'
import type { Position } from './sort.ts'

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

/** Computes the part of a cursor that binds it to a query: 8 bytes of a hash of everything that decides which rows come in which order. */
export function fingerprintQuery(query: unknown): Buffer {
  return shortHash(JSON.stringify(query))
}

/** Writes a position in the list of the query with that fingerprint. */
export function encodeCursor(position: Position, query: Buffer): string {
  const flags = (position.backward ? BACKWARD : 0) | (position.inclusive ? INCLUSIVE : 0)
  return codec.encode(Buffer.concat([Buffer.of(flags), query, position.id, Buffer.from(position.value)]))
}

/**
 * Reads a cursor.
 * @throws {AppError} `invalid-cursor` when it is damaged or was not made here, `cursor-mismatch` when sort or filters
 * are not those that it was made for
 */
export function decodeCursor(cursor: string, query: Buffer): Position {
  const payload = codec.decode(cursor)
  if (payload === undefined || payload.length < VALUE_AT) {
    throw parameterError('cursor', 'was not given out by this service, or is damaged', 'invalid-cursor')
  }
  if (!payload.subarray(FINGERPRINT_AT, ID_AT).equals(query)) {
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
