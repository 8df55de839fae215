import { parameterError } from '../../platform/errors/app-error.ts'
import { createCursorCodec, shortHash } from '../../platform/lib/opaque-cursor.ts'

/** A position in the change log: what a client of the change feed has read so far. */
export interface ChangeFeedPosition {
  /** The number of the last row that was read to its end; 0 before the first. */
  readonly seq: number
  /** How many changes of the next row were read as well. */
  readonly taken: number
  /** The stamp of row `seq`, which distinguishes it from the row with that number in another log. */
  readonly stamp: Buffer
}

/** The payload of a cursor: `seq 6 | taken 2 | stamp 8`. */
const SEQ_LENGTH = 6
const TAKEN_AT = 6
const STAMP_AT = 8
const LENGTH = 16

const VERSION = 1
const codec = createCursorCodec({
  version: VERSION,
  checksumOf(payload) {
    const { seq, taken, stamp } = readPayload(payload)
    return JSON.stringify([VERSION, seq, taken, stamp.toString('hex')])
  }
})

/** The position before the first row of any log. */
export const BEGINNING: ChangeFeedPosition = { seq: 0, taken: 0, stamp: Buffer.alloc(LENGTH - STAMP_AT) }

/** Computes the stamp of a row of the log, from what never changes in it and is unlikely to recur in another log. */
export function rowStamp(row: { id: number; changedAt: string }): Buffer {
  return shortHash(JSON.stringify([row.id, row.changedAt]))
}

/** Writes a cursor for a position. */
export function encodeFeedCursor({ seq, taken, stamp }: ChangeFeedPosition): string {
  const payload = Buffer.alloc(LENGTH)
  payload.writeUIntBE(seq, 0, SEQ_LENGTH)
  payload.writeUInt16BE(taken, TAKEN_AT)
  payload.set(stamp, STAMP_AT)
  return codec.encode(payload)
}

/**
 * Reads a cursor.
 * @throws {AppError} `invalid-cursor` when it is damaged or was not made here
 */
export function decodeFeedCursor(cursor: string): ChangeFeedPosition {
  const payload = codec.decode(cursor)
  if (payload === undefined) throw invalidCursor()
  return readPayload(payload)
}

/** Creates the error for a cursor that this service never gave out. */
export function invalidCursor() {
  return parameterError('since', 'was not given out by this service, or is damaged', 'invalid-cursor')
}

function readPayload(payload: Buffer): ChangeFeedPosition {
  if (payload.length !== LENGTH) throw invalidCursor()
  return {
    seq: payload.readUIntBE(0, SEQ_LENGTH),
    taken: payload.readUInt16BE(TAKEN_AT),
    stamp: payload.subarray(STAMP_AT)
  }
}
