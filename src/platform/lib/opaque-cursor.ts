import { hash } from 'node:crypto'

const CHECKSUM_LENGTH = 8

/** Turns the payload of a cursor into text that clients send back unchanged, and checks that text. */
export interface CursorCodec {
  encode(payload: Buffer): string
  /** Returns the payload, or undefined unless `encode` made exactly this text. */
  decode(cursor: string): Buffer | undefined
}

interface CursorFormat {
  /** The first byte. A cursor with another one is refused. */
  version: number
  /** What the checksum covers. By default: the version and the payload. */
  checksumOf?: (payload: Buffer) => string | Buffer
}

/**
 * Creates a codec for cursors of this form, in base64url:
 *
 *     version 1 | payload n | checksum 8
 *
 * The checksum finds damage and typing errors; it is no signature.
 */
export function createCursorCodec({ version, checksumOf }: CursorFormat): CursorCodec {
  function encode(payload: Buffer): string {
    const versioned = Buffer.concat([Buffer.of(version), payload])
    const checksum = shortHash(checksumOf === undefined ? versioned : checksumOf(payload))
    return Buffer.concat([versioned, checksum]).toString('base64url')
  }

  return {
    encode,
    decode(cursor) {
      const payload = Buffer.from(cursor, 'base64url').subarray(1, -CHECKSUM_LENGTH)
      // Checks the version, the checksum and the spelling at once: base64url has several spellings of the last character,
      // and decoders skip characters that they do not know.
      return encode(payload) === cursor ? payload : undefined
    }
  }
}

/** Computes the first 8 bytes of the SHA-256 of a text or of bytes. */
export function shortHash(data: string | Buffer): Buffer {
  return hash('sha256', data, 'buffer').subarray(0, CHECKSUM_LENGTH)
}
