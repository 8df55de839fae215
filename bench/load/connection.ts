import { createConnection } from 'node:net'
import { type Response, readResponse } from './response.ts'

/** A connection to a server on 127.0.0.1, for one request after the other. */
export interface Connection {
  send(request: Buffer): void
  close(): void
}

interface Events {
  onOpen?: () => void
  /** The response may be used until this returns. */
  onResponse: (response: Response) => void
  /** It ended, and not by `close`. */
  onBroken: (reason: string) => void
}

/** Each read is worked on before the next one begins, on whatever connection: one buffer serves them all. */
const readBuffer = Buffer.allocUnsafeSlow(2 ** 17)

/** The request as it goes over the wire: a POST where there is a body. */
export function encodeRequest(path: string, headers: Readonly<Record<string, string>> = {}, body?: string): Buffer {
  const common = { host: '127.0.0.1', accept: 'application/json', 'user-agent': 'aisle-bench', ...headers }
  const fields = body === undefined ? common : { ...common, 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}

export function openConnection(port: number, { onOpen, onResponse, onBroken }: Events): Connection {
  let isClosed = false
  /** The beginning of a response that did not come in one piece. */
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
        // Joined bytes are ours already; those in the buffer are the next reader's.
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

/** Asks once. The response is a copy, to keep. */
export function ask(port: number, request: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    const connection = openConnection(port, {
      onOpen: () => connection.send(request),
      onResponse: (response) => {
        resolve({ ...response, body: Buffer.from(response.body) })
        connection.close()
      },
      onBroken: (reason) => reject(new Error(reason))
    })
  })
}
