import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type Static, Type } from '@sinclair/typebox'
import { StringEnum } from '../../schemas/types.ts'

/** A fault that the simulator produces, and the requests that it affects. */
export const Fault = Type.Object(
  {
    path: Type.String({ description: 'Prefix of the paths that are affected, such as /availability; / for all.' }),
    kind: StringEnum(
      [
        'status',
        'latency',
        'reset',
        'silence',
        'slow-headers',
        'stalled-body',
        'truncated-body',
        'malformed',
        'expired-token'
      ],
      {}
    ),
    status: Type.Optional(
      Type.Integer({ minimum: 400, maximum: 599, description: 'For kind status; 503 by default.' })
    ),
    retryAfter: Type.Optional(Type.String({ description: 'For kind status: the value of Retry-After.' })),
    latencyMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000, description: 'Delay before the response.' })),
    share: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Share of the requests that is affected; all by default.' })
    ),
    count: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Number of requests that are affected; unlimited by default.' })
    )
  },
  { additionalProperties: false }
)
export type Fault = Static<typeof Fault>

/** A response of the simulator. */
export interface Reply {
  status: number
  headers?: Record<string, string>
  body: unknown
}

/** The active faults of one simulator. */
export interface Faults {
  /** Replaces all faults. */
  set(faults: readonly Fault[]): void
  /** Returns all faults, with what is left of their counts. */
  list(): Fault[]
  /** Returns the first fault that affects a request to this path, and counts it; undefined when there is none. */
  strike(path: string): Fault | undefined
}

const SLOW_LINE_MS = 100

/**
 * Makes an empty set of faults.
 * @param random a random number from 0 to below 1
 */
export function createFaults(random: () => number): Faults {
  let faults: Fault[] = []
  return {
    set(next) {
      faults = next.map((fault) => ({ ...fault }))
    },
    list: () => faults.map((fault) => ({ ...fault })),
    strike(path) {
      const fault = faults.find(
        ({ path: prefix, share = 1, count = 1 }) => path.startsWith(prefix) && count > 0 && random() < share
      )
      if (fault?.count !== undefined) fault.count--
      return fault
    }
  }
}

/** Sends a reply, damaged by a fault. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  fault?: Fault
): Promise<void> {
  if (fault?.latencyMs) await wait(fault.latencyMs, undefined, { ref: false })
  if (fault?.kind === 'reset') request.socket.resetAndDestroy()
  else if (fault?.kind === 'slow-headers') await sendHeadersSlowly(request)
  else if (fault?.kind === 'malformed')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"sku": "…')
  else if (fault?.kind !== 'silence') sendReply(response, reply, fault?.kind)
}

/** Returns the reply of a fault of kind `status`. */
export function replyOf({ status = 503, retryAfter }: Fault): Reply {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return { status, headers, body: { error: 'fault', detail: 'A fault that was set with PUT /faults.' } }
}

function sendReply(response: ServerResponse, { status, headers, body }: Reply, kind?: Fault['kind']): void {
  const bytes = Buffer.from(status === 204 ? '' : JSON.stringify(body))
  const fields = status === 204 ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }
  response.writeHead(status, { ...fields, ...headers })
  if (kind === 'stalled-body') response.write(bytes.subarray(0, bytes.length / 2))
  else if (kind === 'truncated-body') response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  else response.end(bytes)
}

/** Sends header fields, one at a time, without end. */
async function sendHeadersSlowly({ socket }: IncomingMessage): Promise<void> {
  socket.write('HTTP/1.1 200 OK\r\n')
  for (let line = 1; !socket.destroyed; line++) {
    socket.write(`x-slow-${line}: 1\r\n`)
    await wait(SLOW_LINE_MS, undefined, { ref: false })
  }
}
