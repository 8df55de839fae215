import { parameterError } from '../../platform/errors/app-error.ts'
import { fingerprintQuery } from '../listing/query/cursor.ts'

/** Where a reader stands in the change log. */
export interface ChangeFeedPosition {
  /** He has all rows up to this one; 0 before the first. */
  readonly seq: number
  /** And so many changes of the row after it. */
  readonly taken: number
  /** Of row `seq`: tells it from the row of that number in another log. */
  readonly stamp: Buffer
}

/**
 * Opaque to clients. The bytes, in base64url:
 *
 *     version 1 | seq 6 | taken 2 | stamp 8 | checksum 8
 *
 * The checksum is of all that is before it.
 */
const VERSION = 1
const SEQ_AT = 1
const SEQ_LENGTH = 6
const TAKEN_AT = 7
const STAMP_AT = 9
const CHECKSUM_AT = 17
const LENGTH = 25

/** Before the first row of any log. */
export const BEGINNING: ChangeFeedPosition = { seq: 0, taken: 0, stamp: Buffer.alloc(CHECKSUM_AT - STAMP_AT) }

/** The stamp of a row of the log, of what never changes in it and no other log is likely to repeat. */
export function rowStamp(row: { id: number; changedAt: string }): Buffer {
  return fingerprintQuery([row.id, row.changedAt])
}

export function encodeFeedCursor({ seq, taken, stamp }: ChangeFeedPosition): string {
  const bytes = Buffer.alloc(LENGTH)
  bytes[0] = VERSION
  bytes.writeUIntBE(seq, SEQ_AT, SEQ_LENGTH)
  bytes.writeUInt16BE(taken, TAKEN_AT)
  bytes.set(stamp, STAMP_AT)
  bytes.set(fingerprintQuery([VERSION, seq, taken, stamp.toString('hex')]), CHECKSUM_AT)
  return bytes.toString('base64url')
}

/**
 * Reads a cursor.
 * @throws {AppError} `invalid-cursor` when it is damaged or was not made here
 */
export function decodeFeedCursor(cursor: string): ChangeFeedPosition {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length !== LENGTH) throw invalidCursor()
  const position = {
    seq: bytes.readUIntBE(SEQ_AT, SEQ_LENGTH),
    taken: bytes.readUInt16BE(TAKEN_AT),
    stamp: bytes.subarray(STAMP_AT, CHECKSUM_AT)
  }
  // With it version, checksum and spelling are right: there is one text for each position.
  if (encodeFeedCursor(position) !== cursor) throw invalidCursor()
  return position
}

export function invalidCursor() {
  return parameterError('since', 'was not given out by this service, or is damaged', 'invalid-cursor')
}
