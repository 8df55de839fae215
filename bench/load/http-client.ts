import { createConnection } from 'node:net'

/** A response, in place in the bytes that were received. */
export interface HttpResponse {
  status: number
  /** The status line and the header fields. */
  head: string
  /** The body as sent, which may be compressed, without the framing of chunks. */
  body: Buffer
  /** The length of the whole response in bytes. */
  lengthBytes: number
}

/** A connection to a server on 127.0.0.1, for one request at a time. */
export interface HttpConnection {
  send(request: Buffer): void
  close(): void
}

/** The callbacks of a connection. */
export interface ConnectionEvents {
  onOpen?: () => void
  /** A callback for each response, which is valid until the callback returns. */
  onResponse: (response: HttpResponse) => void
  /** A callback for an end of the connection that `close` did not cause. */
  onBroken: (reason: string) => void
}

/** A response to keep, and its latency. */
export interface TimedResponse {
  response: HttpResponse
  /** The time from sending the request, on an open connection, to the end of the response. */
  micros: number
}

/** A client that sends one request at a time and reuses its connection. */
export interface KeepAliveClient {
  /** @throws {Error} when the connection breaks before the response */
  ask(request: Buffer): Promise<TimedResponse>
  close(): void
}

const END_OF_HEAD = '\r\n\r\n'
const STATUS_OFFSET = 'HTTP/1.1 '.length
const LAST_CHUNK_BYTES = '0\r\n\r\n'.length
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)\r\n/i
const CHUNKED = /\r\ntransfer-encoding: *chunked\r\n/i

/** One buffer for all connections: each read is handled before the next one begins. */
const readBuffer = Buffer.allocUnsafeSlow(2 ** 17)

/** Encodes a request: a GET, or a POST if there is a body. */
export function encodeRequest(path: string, headers: Readonly<Record<string, string>> = {}, body?: string): Buffer {
  const common = { host: '127.0.0.1', accept: 'application/json', 'user-agent': 'aisle-bench', ...headers }
  const fields = body === undefined ? common : { ...common, 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}

/** Returns the value of a header field; undefined if there is none. */
export function headerOf({ head }: HttpResponse, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1]
}

/** Sends one request on a connection of its own. */
export async function ask(port: number, request: Buffer): Promise<HttpResponse> {
  const client = openKeepAliveClient(port)
  try {
    return (await client.ask(request)).response
  } finally {
    client.close()
  }
}

/** Opens a client; it connects with its first request, and again after the server has closed the connection. */
export function openKeepAliveClient(port: number): KeepAliveClient {
  let connection: HttpConnection | undefined
  let sentAt = 0
  let asked: PromiseWithResolvers<TimedResponse> | undefined
  let opened: PromiseWithResolvers<void> | undefined

  function open(): Promise<void> {
    opened = Promise.withResolvers()
    connection = openConnection(port, {
      onOpen: () => opened?.resolve(),
      onResponse(response) {
        const micros = (performance.now() - sentAt) * 1000
        asked?.resolve({ response: { ...response, body: Buffer.from(response.body) }, micros })
        asked = undefined
      },
      onBroken(reason) {
        // A server may close an idle connection.
        connection = undefined
        opened?.reject(new Error(reason))
        asked?.reject(new Error(reason))
        asked = undefined
      }
    })
    return opened.promise
  }

  return {
    async ask(request) {
      if (connection === undefined) await open()
      asked = Promise.withResolvers()
      sentAt = performance.now()
      connection?.send(request)
      return await asked.promise
    },
    close: () => connection?.close()
  }
}

/** Opens a connection. A response that cannot be read breaks it. */
export function openConnection(port: number, { onOpen, onResponse, onBroken }: ConnectionEvents): HttpConnection {
  let isClosed = false
  /** The first part of a response that arrives in several reads. */
  let beginning: Buffer | undefined

  const socket = createConnection({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (length) => {
        receive(readBuffer.subarray(0, length))
        return true
      }
    }
  })
  if (onOpen) socket.once('connect', onOpen)
  socket.once('error', ({ message }) => fail(message)).once('close', () => fail('the server closed the connection'))

  function receive(piece: Buffer): void {
    const bytes = beginning ? Buffer.concat([beginning, piece]) : piece
    try {
      const response = readResponse(bytes)
      if (response === null) {
        // The next read reuses the buffer: keep a copy.
        beginning = bytes === piece ? Buffer.from(piece) : bytes
        return
      }
      if (response.lengthBytes !== bytes.length) throw new Error('more bytes than one response')
      beginning = undefined
      onResponse(response)
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error))
    }
  }

  function fail(reason: string): void {
    if (isClosed) return
    close()
    onBroken(reason)
  }

  function close(): void {
    isClosed = true
    socket.destroy()
  }

  return { send: (request) => socket.write(request), close }
}

/**
 * Reads the response at the beginning of the bytes; null while it is incomplete. It supports only the HTTP that the
 * measured servers use, so that the client costs less than any server.
 * @throws {Error} when the response has no length
 */
function readResponse(bytes: Buffer): HttpResponse | null {
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

function readChunks(bytes: Buffer, start: number, status: number, head: string): HttpResponse | null {
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
