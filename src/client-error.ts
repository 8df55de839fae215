import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, toProblem } from './errors.ts'
import { createRequestIds } from './request-id.ts'

const nextRequestId = createRequestIds()

interface ClientError {
  code?: string | undefined
  rawPacket?: unknown
}

/** Answers what never became a request (bad HTTP, too much of it, or too slow) with a problem, and hangs up. */
export function answerClientError(error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = toProblem(describe(error), { url: '/', id: nextRequestId({ headers: {} }) })
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      'Content-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-Id: ${problem.requestId}\r\n` +
      `Connection: close\r\n\r\n${body}`
  )
}

function describe({ code, rawPacket }: ClientError): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('request-timeout', 'The request did not arrive in time.')
  if (code !== 'HPE_HEADER_OVERFLOW') return new AppError('malformed-request', 'The request is not valid HTTP.')
  // The parser counts the request line among the header fields.
  const isInRequestLine = Buffer.isBuffer(rawPacket) && !rawPacket.includes('\n')
  return isInRequestLine
    ? new AppError('uri-too-long', 'The URL is longer than this service reads.')
    : new AppError('headers-too-large', 'The header fields are larger than this service reads.')
}
