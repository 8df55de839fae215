import { hash } from 'node:crypto'
import { parameterError } from '../../../platform/errors/app-error.ts'
import type { Position } from './sort.ts'

/**
 * Cursors are opaque to clients. The bytes, in base64url:
 *
 *     version 1 | flags 1 | fingerprint 8 | id 16 | sort value n | checksum 8
 *
 * The fingerprint binds a cursor to sort and filters, the checksum (of all bytes before it) finds any damage.
 */
const VERSION = 1
const BACKWARD = 1
const INCLUSIVE = 2
const FLAGS_AT = 1
const FINGERPRINT_AT = 2
const ID_AT = 10
const VALUE_AT = 26
const CHECKSUM_LENGTH = 8

/** The part of a cursor that ties it to a query: 8 bytes of a hash of everything that decides which rows come in which order. */
export function fingerprintQuery(query: unknown): Buffer {
  return shortHash(JSON.stringify(query))
}

/** Writes a position in the list of the query with that fingerprint. */
export function encodeCursor(position: Position, query: Buffer): string {
  const flags = (position.backward ? BACKWARD : 0) | (position.inclusive ? INCLUSIVE : 0)
  const payload = Buffer.concat([Buffer.of(VERSION, flags), query, position.id, Buffer.from(position.value)])
  return Buffer.concat([payload, shortHash(payload)]).toString('base64url')
}

/**
 * Reads a cursor.
 * @throws {AppError} `invalid-cursor` when it is damaged or was not made here, `cursor-mismatch` when sort or filters
 * are not those that it was made for
 */
export function decodeCursor(cursor: string, query: Buffer): Position {
  const bytes = Buffer.from(cursor, 'base64url')
  const payload = bytes.subarray(0, -CHECKSUM_LENGTH)
  // Base64url has several spellings of the last character and decoders skip what they do not know: only one is ours.
  const isOurs = bytes.toString('base64url') === cursor && bytes.length >= VALUE_AT + CHECKSUM_LENGTH
  if (!isOurs || bytes[0] !== VERSION || !shortHash(payload).equals(bytes.subarray(-CHECKSUM_LENGTH))) {
    throw parameterError('cursor', 'was not given out by this service, or is damaged', 'invalid-cursor')
  }
  if (!payload.subarray(FINGERPRINT_AT, ID_AT).equals(query)) {
    throw parameterError('cursor', 'was given out for another sort or other filters', 'cursor-mismatch')
  }
  const flags = bytes[FLAGS_AT] ?? 0
  return {
    value: payload.toString('utf8', VALUE_AT),
    id: payload.subarray(ID_AT, VALUE_AT),
    inclusive: (flags & INCLUSIVE) !== 0,
    backward: (flags & BACKWARD) !== 0
  }
}

function shortHash(data: string | Buffer): Buffer {
  return hash('sha256', data, 'buffer').subarray(0, CHECKSUM_LENGTH)
}
