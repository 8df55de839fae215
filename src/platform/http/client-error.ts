import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Problem } from '../../../schemas/problem.ts'
import { AppError, toProblem } from '../errors/app-error.ts'
import { createRequestIds } from './request-id.ts'

/** Time for the client to read the response, while what it goes on sending is discarded. */
const LINGER_MS = 1000

const nextRequestId = createRequestIds()
const answered = new WeakSet<Socket>()

/** An error of Node's HTTP parser. */
interface ClientError {
  code?: string | undefined
  /** The input of the parser, and how much of it was parsed. */
  rawPacket?: unknown
  bytesParsed?: number
}

/** A response that was written without the application, for the log. */
export interface ParserRefusal {
  status: number
  requestId: string
  /** The response of the application, when only the body of the request was wrong; null before that. */
  response: ServerResponse | null
}

/**
 * Answers a request that could not be parsed (invalid, too large or too slow) with a problem, and closes the connection.
 * @returns what was answered; undefined when the client cannot be answered, or has been
 */
export function answerClientError(error: ClientError, socket: Socket): ParserRefusal | undefined {
  // The rest of a request that is too large: closing with unread data would reset the connection and lose the response.
  if (answered.has(socket)) return
  const response = responseOf(socket)
  // A second response in the middle of one would be read as its body.
  if (error.code === 'ECONNRESET' || !socket.writable || response?.headersSent) {
    socket.destroy()
    return
  }
  answered.add(socket)
  const problem = toProblem(describe(error), { url: '/', id: nextRequestId({ headers: {} }) })
  socket.end(toResponse(problem))
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
  return { status: problem.status, requestId: problem.requestId, response }
}

/** The response that the application is working on. */
function responseOf(socket: Socket): ServerResponse | null {
  const { _httpMessage: response } = socket as Socket & { _httpMessage?: ServerResponse | null }
  return response ?? null
}

function describe({ code, rawPacket, bytesParsed }: ClientError): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('request-timeout', 'The request did not arrive in time.')
  if (code !== 'HPE_HEADER_OVERFLOW') return new AppError('malformed-request', 'The request is not valid HTTP.')
  // The parser counts the request line as header fields: here it has read a method and a URL, or the rest of a URL.
  const read = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1', 0, bytesParsed) : ''
  return /^([A-Z]+ )?\S+$/.test(read)
    ? new AppError('uri-too-long', 'The URL is too long.')
    : new AppError('headers-too-large', 'The header fields are too large.')
}

function toResponse(problem: Problem): string {
  const body = JSON.stringify(problem)
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
    'Content-Type: application/problem+json\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `X-Request-Id: ${problem.requestId}\r\n` +
    `Connection: close\r\n\r\n${body}`
  )
}
