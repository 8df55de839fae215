import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type Static, Type } from '@sinclair/typebox'
import { StringEnum } from '../../schemas/types.ts'

/** What is to go wrong, and where. */
export const Fault = Type.Object(
  {
    path: Type.String({ description: 'Requests whose path begins so, such as /availability; / is any.' }),
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
      Type.Integer({ minimum: 400, maximum: 599, description: 'Of kind status; 503 unless said.' })
    ),
    retryAfter: Type.Optional(Type.String({ description: 'Of kind status: the value of Retry-After.' })),
    latencyMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000, description: 'Before whatever follows.' })),
    share: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Of the requests; all unless said.' })),
    count: Type.Optional(Type.Integer({ minimum: 0, description: 'Of requests, then no more; no end unless said.' }))
  },
  { additionalProperties: false }
)
export type Fault = Static<typeof Fault>

export interface Reply {
  status: number
  headers?: Record<string, string>
  body: unknown
}

/** The faults of one supplier. */
export interface Faults {
  /** Takes the place of all there were. */
  set(faults: readonly Fault[]): void
  /** As they are now, with what is left of their counts. */
  list(): Fault[]
  /** The first that strikes a request to this path, counted down; undefined where none does. */
  strike(path: string): Fault | undefined
}

const SLOW_LINE_MS = 100

/** @param random from 0 up to, not including, 1 */
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

/** Sends a reply, with the damage of a fault. */
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

/** The reply that a fault puts in the place of another. */
export function replyOf({ status = 503, retryAfter }: Fault): Reply {
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return { status, headers, body: { error: 'fault', detail: 'This fault was asked for: PUT /faults.' } }
}

function sendReply(response: ServerResponse, { status, headers, body }: Reply, kind?: Fault['kind']): void {
  const bytes = Buffer.from(status === 204 ? '' : JSON.stringify(body))
  const fields = status === 204 ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }
  response.writeHead(status, { ...fields, ...headers })
  if (kind === 'stalled-body') response.write(bytes.subarray(0, bytes.length / 2))
  else if (kind === 'truncated-body') response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  else response.end(bytes)
}

/** A field each moment, and no end. */
async function sendHeadersSlowly({ socket }: IncomingMessage): Promise<void> {
  socket.write('HTTP/1.1 200 OK\r\n')
  for (let line = 1; !socket.destroyed; line++) {
    socket.write(`x-slow-${line}: 1\r\n`)
    await wait(SLOW_LINE_MS, undefined, { ref: false })
  }
}
