import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'

const SECOND_MS = 1000

let dateSecond = 0
let dateLine = ''

/**
 * A response whose head can be sent as it is.
 *
 * Node checks and writes each header field anew for each response: with the twenty fields of ours that takes as long as
 * the parsing of the request and the sending of the answer together. There is no public way around it, but the head that
 * Node itself has written waits in one string, which this class sets instead (docs/decisions/0008-ready-heads.md).
 */
export class ReadyResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Of Node: the head, once it is written. */
  declare private _header: string | null

  /** Whether `sendReady` may be used: the connection stays open, as its head says. */
  get canSendReady(): boolean {
    return this.shouldKeepAlive && this._header === null && this.req.httpVersionMinor === 1
  }

  /**
   * Sends a whole response. Content-Length is among the lines, or there is no body.
   * @param lines header fields made by `fieldLines`
   * @param own more of them
   */
  sendReady(status: number, lines: string, own: string, body: Buffer | undefined): void {
    this.statusCode = status
    this._header = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}${own}${connectionLines()}\r\n`
    if (body === undefined) this.end()
    else this.end(body)
  }
}

/** Header fields as they are sent; each name before its value. They have to be valid. */
export function fieldLines(fields: readonly string[]): string {
  // One flat string: what is put together by + is walked through again at each sending.
  const parts: string[] = []
  for (let at = 0; at < fields.length; at += 2) parts.push(`${fields[at]}: ${fields[at + 1]}\r\n`)
  return parts.join('')
}

/** The fields that are in lines: each name before its value. */
export function fieldsOf(lines: string): string[] {
  return lines
    .split('\r\n')
    .slice(0, -1)
    .flatMap((line) => {
      const end = line.indexOf(': ')
      return [line.slice(0, end), line.slice(end + 2)]
    })
}

/** What Node adds to a response on a connection that stays open, but for the hint how long. */
function connectionLines(): string {
  const now = Date.now()
  const second = now - (now % SECOND_MS)
  if (second !== dateSecond) {
    dateSecond = second
    dateLine = `Date: ${new Date(second).toUTCString()}\r\nConnection: keep-alive\r\n`
  }
  return dateLine
}
