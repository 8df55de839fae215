/**
 * Makes a UUID of version 7 (RFC 9562): it begins with a time, so that new rows go to the end of the primary key.
 * @param unixMs the time of creation, in ms
 * @param randomBytes at least 10
 * @returns the 16 bytes, as they are stored in MySQL
 */
export function uuidV7(unixMs: number, randomBytes: Uint8Array): Buffer {
  const id = Buffer.allocUnsafe(16)
  id.writeUIntBE(unixMs, 0, 6)
  id.set(randomBytes.subarray(0, 10), 6)
  id[6] = 0x70 | ((id[6] ?? 0) & 0x0f)
  id[8] = 0x80 | ((id[8] ?? 0) & 0x3f)
  return id
}

/** Formats the 16 bytes of a UUID as text, in lower case. */
export function formatId(id: Buffer): string {
  const hex = id.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * Parses the text of a UUID into its 16 bytes.
 * @param text valid, in either case
 */
export function parseId(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}
