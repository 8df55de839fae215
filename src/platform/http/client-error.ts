import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Problem } from '../../../schemas/problem.ts'
import { AppError, toProblem } from '../errors/app-error.ts'
import { createRequestIds } from './request-id.ts'

/** For the client to read the answer, while what it goes on sending is thrown away. */
const LINGER_MS = 1000

const nextRequestId = createRequestIds()
const answered = new WeakSet<Socket>()

interface ClientError {
  code?: string | undefined
  /** What the parser was reading, and how far it came. */
  rawPacket?: unknown
  bytesParsed?: number
}

/** For the log: what was answered past the application. */
export interface ParserRefusal {
  status: number
  requestId: string
  /** The response that the application would have written, when what is wrong is only the body of the request. */
  response: ServerResponse | null
}

/**
 * Answers what never became a request (bad HTTP, too much of it, or too slow) with a problem, and hangs up. Nothing
 * comes back when there was nobody to answer.
 */
export function answerClientError(error: ClientError, socket: Socket): ParserRefusal | undefined {
  // The rest of a request that is too large: closing with data unread would reset the connection, answer and all.
  if (answered.has(socket)) return
  const response = responseOf(socket)
  // A second response in the midst of one would be taken for its body.
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

/** The response that is under way. */
function responseOf(socket: Socket): ServerResponse | null {
  const { _httpMessage: response } = socket as Socket & { _httpMessage?: ServerResponse | null }
  return response ?? null
}

function describe({ code, rawPacket, bytesParsed }: ClientError): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('request-timeout', 'The request did not arrive in time.')
  if (code !== 'HPE_HEADER_OVERFLOW') return new AppError('malformed-request', 'The request is not valid HTTP.')
  // The parser counts the request line among the header fields: what was read is a method and a URL, or the rest of one.
  const read = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1', 0, bytesParsed) : ''
  return /^([A-Z]+ )?\S+$/.test(read)
    ? new AppError('uri-too-long', 'The URL is longer than this service reads.')
    : new AppError('headers-too-large', 'The header fields are larger than this service reads.')
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
