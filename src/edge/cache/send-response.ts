import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import { type HeaderBlock, type HeaderFields, toHeaderText } from '../../platform/http/header-fields.ts'

/** The head of a response. */
export interface ResponseHead {
  status: 200 | 304
  /** Header fields whose text is ready. Content-Length is among them, unless there is no body. */
  blocks: readonly HeaderBlock[]
  /** Header fields of this response alone. */
  fields: HeaderFields
  /** Whether the connection is closed after this response; `fields` says so too. */
  isLast: boolean
}

/** Sends a whole response, past Fastify. */
export type SendResponse = (response: ServerResponse, head: ResponseHead, body: Buffer | undefined) => void

const SECOND_MS = 1000

/**
 * A response whose head can be set as text.
 *
 * Node checks and writes each header field anew for each response. With our twenty fields that takes as long as parsing the
 * request and sending the response together. There is no public way around it, but the head that Node itself has written
 * waits in one string, which this class sets instead (docs/decisions/0008-ready-heads.md). The server has to create its
 * responses with this class; use it only through `createResponseSender`.
 */
export class ReadyResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Node's own field: the head, once it is written. */
  declare private _header: string | null

  /** Whether the head can be set: it is not written yet, and the connection stays open, which is what `endWith` writes. */
  get isReady(): boolean {
    return this.shouldKeepAlive && this._header === null && this.req.httpVersionMinor === 1
  }

  /** Sets the head, and sends the response. */
  endWith(status: number, head: string, body: Buffer | undefined): void {
    this.statusCode = status
    this._header = head
    if (body === undefined) this.end()
    else this.end(body)
  }
}

/**
 * Creates the function that sends cached responses: with a ready head where possible, else with Node's `writeHead`.
 * @param keepAliveTimeoutMs how long the server keeps idle connections open
 * @param areHeadsSettable the result of `canSetHeads`
 */
export function createResponseSender(keepAliveTimeoutMs: number, areHeadsSettable: boolean): SendResponse {
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`
  let dateSecond = 0
  let end = ''

  /** What Node adds to a head on a connection that stays open. */
  function endOfHead(): string {
    const now = Date.now()
    const second = now - (now % SECOND_MS)
    if (second !== dateSecond) {
      dateSecond = second
      end = `Date: ${new Date(second).toUTCString()}\r\n${keepAlive}`
    }
    return end
  }

  return (response, { status, blocks, fields, isLast }, body) => {
    if (areHeadsSettable && !isLast && response instanceof ReadyResponse && response.isReady) {
      let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
      for (const { text } of blocks) head += text
      response.endWith(status, head + toHeaderText(fields) + endOfHead(), body)
    } else {
      response.writeHead(status, [...blocks.flatMap(({ fields }) => fields), ...fields]).end(body)
    }
  }
}

/** Tries out whether a head that is set as text is sent, with the body, exactly as it is. */
export function canSetHeads(): boolean {
  const socket = new RecordingSocket()
  const request = new IncomingMessage(socket)
  Object.assign(request, { httpVersionMajor: 1, httpVersionMinor: 1, method: 'GET' })
  const response = new ReadyResponse(request)
  response.assignSocket(socket)
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'
  if (!response.isReady) return false
  response.endWith(200, head, Buffer.from('body'))
  return response.headersSent && response.statusCode === 200 && socket.sent === `${head}body`
}

class RecordingSocket extends Socket {
  sent = ''

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.sent += chunk.toString()
    done()
  }

  override _writev(chunks: { chunk: Buffer | string }[], done: () => void): void {
    for (const { chunk } of chunks) this.sent += chunk.toString()
    done()
  }
}
