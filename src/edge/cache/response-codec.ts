import { createHash } from 'node:crypto'
import type { CachedResponse } from './cached-response.ts'

/**
 * Answers as Redis keeps them, where others may write too:
 *
 *     checksum 16 | length of the head 4 | head, JSON | body
 *
 * The checksum is over the key and the version as well, so that what was damaged, cut off, or put in another place is
 * found out.
 */
const CHECKSUM_LENGTH = 16
const HEAD_AT = CHECKSUM_LENGTH + 4

export function encodeResponse(key: string, version: number, { body, ...head }: CachedResponse): Buffer {
  const headBytes = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(headBytes.length)
  const payload = Buffer.concat([length, headBytes, body])
  return Buffer.concat([checksum(key, version, payload), payload])
}

/** Undefined when these are not the bytes that were written for this key and version. */
export function decodeResponse(key: string, version: number, bytes: Buffer): CachedResponse | undefined {
  const payload = bytes.subarray(CHECKSUM_LENGTH)
  if (!checksum(key, version, payload).equals(bytes.subarray(0, CHECKSUM_LENGTH))) return undefined
  const bodyAt = HEAD_AT + bytes.readUInt32BE(CHECKSUM_LENGTH)
  // Not a part of what was read from the connection, all of which it would keep.
  const body = Buffer.allocUnsafeSlow(bytes.length - bodyAt)
  bytes.copy(body, 0, bodyAt)
  return { ...JSON.parse(bytes.toString('utf8', HEAD_AT, bodyAt)), body }
}

function checksum(key: string, version: number, payload: Buffer): Buffer {
  const hash = createHash('sha256').update(`${key} ${version} `).update(payload).digest()
  return hash.subarray(0, CHECKSUM_LENGTH)
}
