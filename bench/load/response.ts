/** One HTTP response, in place in the bytes it came in. */
export interface Response {
  status: number
  /** Status line and header fields. */
  head: string
  /** As it was sent, so possibly compressed; without the framing of chunks. */
  body: Buffer
  /** Of the whole response. */
  lengthBytes: number
}

const END_OF_HEAD = '\r\n\r\n'
const STATUS_OFFSET = 'HTTP/1.1 '.length
const LAST_CHUNK_BYTES = '0\r\n\r\n'.length
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)\r\n/i
const CHUNKED = /\r\ntransfer-encoding: *chunked\r\n/i

/**
 * Reads the response that the bytes begin with: null while part of it is missing. It knows as much of HTTP as a fair
 * server needs to be measured, and no more, so that the client costs less than any server.
 * @throws when the end of the response can't be told
 */
export function readResponse(bytes: Buffer): Response | null {
  const headEnd = bytes.indexOf(END_OF_HEAD, 0, 'latin1')
  if (headEnd === -1) return null
  const start = headEnd + END_OF_HEAD.length
  const head = bytes.toString('latin1', 0, headEnd + 2)
  const status = Number(head.slice(STATUS_OFFSET, STATUS_OFFSET + 3))
  const lengthBytes = status === 304 || status === 204 ? 0 : CONTENT_LENGTH.exec(head)?.[1]
  if (lengthBytes !== undefined) {
    const end = start + Number(lengthBytes)
    return bytes.length < end ? null : { status, head, body: bytes.subarray(start, end), lengthBytes: end }
  }
  if (CHUNKED.test(head)) return readChunks(bytes, start, status, head)
  throw new Error('a response without a length')
}

/** The value of a header field, when it is there. */
export function headerOf({ head }: Response, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1]
}

function readChunks(bytes: Buffer, start: number, status: number, head: string): Response | null {
  const chunks: Buffer[] = []
  let offset = start
  while (true) {
    const lineEnd = bytes.indexOf('\r\n', offset, 'latin1')
    if (lineEnd === -1) return null
    const size = Number.parseInt(bytes.toString('latin1', offset, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error('a chunk without a length')
    const end = size === 0 ? offset + LAST_CHUNK_BYTES : lineEnd + 2 + size + 2
    if (bytes.length < end) return null
    if (size === 0) return { status, head, body: Buffer.concat(chunks), lengthBytes: end }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    offset = end
  }
}
