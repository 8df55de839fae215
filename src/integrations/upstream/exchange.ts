import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { startTimeout } from '../../platform/lib/time-limit.ts'
import { UpstreamError } from './upstream-error.ts'

export interface OutgoingRequest {
  origin: string
  path: string
  method: Dispatcher.HttpMethod
  headers: Record<string, string>
  body: string | Buffer | null
}

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  /** Empty unless the status is 2xx. */
  body: Buffer
}

export interface ExchangeLimits {
  /** Names the upstream in errors. */
  upstream: string
  /** For all of it: connecting, header fields, body. */
  timeoutMs: number
  /** Of the body. */
  limitBytes: number
  /** Its reason is an `UpstreamError`. */
  signal: AbortSignal
  /** The connection is free again, or gone. */
  onRelease: () => void
}

/** Of a body that nobody wants: reading it is cheaper than a new connection. */
const DISCARD_LIMIT_BYTES = 65_536
/** A request that is not valid, a dispatcher that is closed: the upstream has no part in it. */
const OWN_FAULTS: readonly (string | undefined)[] = ['UND_ERR_INVALID_ARG', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']
const EMPTY = Buffer.alloc(0)

/**
 * Sends one request and reads its answer. A body is read to its end, or the connection is closed: within the time limit
 * in both cases, so that no connection is lost to an upstream that never finishes.
 * @throws {UpstreamError} `timeout`, `network`, `own-fault`, `too-large`; or the signal's reason, as soon as it fires
 */
export function exchange(dispatcher: Dispatcher, request: OutgoingRequest, limits: ExchangeLimits): Promise<Reply> {
  const handler = new ExchangeHandler(limits, request.method === 'HEAD')
  // The timer above all phases replaces undici's own, one for each.
  dispatcher.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, handler)
  return handler.reply
}

/** Below undici's `request`, which cannot give up a request that waits for its connection, and makes a stream of a body. */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly reply: Promise<Reply>
  readonly #limits: ExchangeLimits
  readonly #resolve: (reply: Reply) => void
  readonly #reject: (error: UpstreamError) => void
  readonly #isHead: boolean
  readonly #cancelTimeout: () => void
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #sizeBytes = 0
  #isGivenUp = false

  constructor(limits: ExchangeLimits, isHead: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    this.reply = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#limits = limits
    this.#isHead = isHead
    this.#cancelTimeout = startTimeout(this.#expire, limits.timeoutMs)
    limits.signal.addEventListener('abort', this.#abort)
    if (limits.signal.aborted) this.#abort()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isGivenUp) controller.abort(new Error('given up'))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (!this.#isWanted) this.#resolve({ status, headers, body: EMPTY })
    // The length that it tells is that of another answer.
    if (!this.#isHead) this.#checkSize(Number(headers['content-length'] ?? 0))
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sizeBytes += chunk.length
    this.#checkSize(this.#sizeBytes)
    if (this.#isWanted && !this.#isGivenUp) this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#release()
    const [first = EMPTY] = this.#chunks
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#sizeBytes) : first
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_: unknown, error: Error): void {
    this.#release()
    const detail = 'code' in error && typeof error.code === 'string' ? error.code : undefined
    const kind = OWN_FAULTS.includes(detail) ? 'own-fault' : 'network'
    this.#reject(new UpstreamError(this.#limits.upstream, kind, { detail }))
  }

  get #isWanted(): boolean {
    return this.#status < 300
  }

  #checkSize(sizeBytes: number): void {
    if (sizeBytes <= (this.#isWanted ? this.#limits.limitBytes : DISCARD_LIMIT_BYTES)) return
    this.#giveUp(new UpstreamError(this.#limits.upstream, 'too-large', { status: this.#status }))
  }

  readonly #expire = (): void => this.#giveUp(new UpstreamError(this.#limits.upstream, 'timeout'))

  readonly #abort = (): void => this.#giveUp(this.#limits.signal.reason)

  /** The caller is told at once, whatever undici is doing. */
  #giveUp(reason: UpstreamError): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#reject(reason)
    this.#controller?.abort(new Error('given up'))
  }

  #release(): void {
    this.#cancelTimeout()
    this.#limits.signal.removeEventListener('abort', this.#abort)
    this.#limits.onRelease()
  }
}
