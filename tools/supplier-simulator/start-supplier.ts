import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFaults, type Fault, type Faults, type Reply, replyOf, send } from './faults.ts'
import { createIssuedTokens, type IssuedTokens, type IssuedTokensOptions } from './issued-tokens.ts'
import { readDeliveryOrder, readFaults } from './read-control.ts'
import { createSupplierCatalogue, type SupplierCatalogue } from './supplier-catalogue.ts'
import {
  createWebhookSender,
  type DeliveryCounts,
  type WebhookSender,
  type WebhookSenderOptions
} from './webhook-sender.ts'

/** The settings of a simulator. */
export interface SupplierOptions extends Partial<IssuedTokensOptions> {
  /** 0 for any free port. */
  port?: number
  /** The number of products, and the seed of their catalogue. */
  products?: number
  seed?: number
  /** The receiver of webhooks for which an order names no other, and the secret that signs them. */
  webhookUrl?: string
  webhookSecret?: string
  retryDelaysMs?: WebhookSenderOptions['retryDelaysMs']
  /** Decides which requests are affected by a fault with a share. */
  random?: () => number
}

/** Counts of requests and deliveries, the response of `GET /counters`. */
export interface SupplierCounters {
  /** By method and path, such as `GET /availability`. */
  requests: Record<string, number>
  /** Requests without a valid token. */
  refusedTokens: number
  /** Affected requests, by kind of fault. */
  faults: Record<string, number>
  deliveries: DeliveryCounts
}

export interface Supplier {
  readonly url: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly webhookSecret: string
  readonly catalogue: SupplierCatalogue
  readonly tokens: IssuedTokens
  readonly faults: Faults
  readonly webhooks: WebhookSender
  /** Sets the receiver of webhooks for which an order names no other. */
  deliverTo(webhookUrl: string): void
  counters(): SupplierCounters
  /** Stops the simulator, and closes all connections. */
  close(): Promise<void>
}

interface Call {
  request: IncomingMessage
  url: URL
  body: string
}

const HOST = '127.0.0.1'
const MAX_BODY_BYTES = 65_536
const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100
const TOKEN_PATH = '/oauth/token'
const DEFAULTS = {
  ...{ port: 0, products: 5000, seed: 42, random: Math.random, nowMs: Date.now },
  ...{ clientId: 'aisle', clientSecret: 'supplier-simulator-client-secret', tokenSeconds: 3600 },
  webhookSecret: 'supplier-simulator-webhook-secret'
}

/**
 * Starts a supplier simulator: a token endpoint, an API, webhooks, and an interface to set faults. All state is in memory.
 * It listens on the loopback interface only.
 */
export async function startSupplier(options: SupplierOptions = {}): Promise<Supplier> {
  const settings = { ...DEFAULTS, ...options }
  const { clientId, clientSecret, webhookSecret } = settings
  let { webhookUrl } = options
  const { nowMs } = settings
  const catalogue = createSupplierCatalogue(settings.products, settings.seed, nowMs)
  const tokens = createIssuedTokens(settings)
  const faults = createFaults(settings.random)
  const { retryDelaysMs } = settings
  const webhooks = createWebhookSender({
    ...{ secret: webhookSecret, nextEvent: catalogue.change, nowMs },
    ...(retryDelaysMs !== undefined && { retryDelaysMs })
  })
  const requests: Record<string, number> = {}
  const struck: Record<string, number> = {}

  const counters = (): SupplierCounters => ({
    requests: { ...requests },
    refusedTokens: tokens.refused,
    faults: { ...struck },
    deliveries: { ...webhooks.counts }
  })

  const control: Record<string, (call: Call) => Reply> = {
    'GET /faults': () => ok({ faults: faults.list() }),
    'PUT /faults': ({ body }) => {
      faults.set(readFaults(body))
      return ok({ faults: faults.list() })
    },
    'GET /counters': () => ok(counters()),
    'POST /deliveries': ({ body }) => {
      const order = readDeliveryOrder(body, webhookUrl)
      webhooks.start(order)
      return { status: 202, body: order }
    },
    'DELETE /deliveries': () => {
      webhooks.stop()
      return { status: 204, body: null }
    }
  }

  /** The routes for clients: they are counted, and affected by faults. */
  const api: Record<string, (call: Call) => Reply> = {
    [`POST ${TOKEN_PATH}`]: ({ request, body }) =>
      tokens.issue(request.headers.authorization, new URLSearchParams(body)),
    'GET /availability': authorized(({ url }) => {
      const product = catalogue.find(decodeURIComponent(url.pathname.slice('/availability/'.length)))
      if (product === undefined) return { status: 404, body: { error: 'unknown_sku' } }
      return ok({ sku: product.sku, available: product.stock, updatedAt: product.updatedAt })
    }),
    'GET /products': authorized(({ url: { searchParams } }) => {
      const limit = Number(searchParams.get('limit') ?? DEFAULT_LIMIT)
      if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT)) throw new RangeError('limit is 1 to 1000.')
      const updatedSince = searchParams.get('updatedSince')
      const since = updatedSince === null ? null : new Date(updatedSince).toISOString()
      return ok(catalogue.page(since, searchParams.get('cursor'), limit))
    })
  }

  function authorized(answer: (call: Call) => Reply) {
    return (call: Call) => tokens.refuse(call.request) ?? answer(call)
  }

  async function answer(request: IncomingMessage): Promise<{ reply: Reply; fault?: Fault | undefined }> {
    const url = new URL(request.url ?? '/', 'http://supplier')
    const body = await readBody(request)
    const call = { request, url, body }
    const name = `${request.method} ${url.pathname}`
    const inControl = control[name]
    if (inControl !== undefined) return { reply: inControl(call) }

    const route = name.startsWith('GET /availability/') ? 'GET /availability' : name
    requests[route] = (requests[route] ?? 0) + 1
    const fault = faults.strike(url.pathname)
    if (fault !== undefined) struck[fault.kind] = (struck[fault.kind] ?? 0) + 1
    if (fault?.kind === 'status') return { reply: replyOf(fault), fault }
    const isExpired = fault?.kind === 'expired-token'
    if (isExpired) tokens.revoke(request.headers.authorization)
    const reply = api[route]?.(call) ?? { status: 404, body: { error: 'not_found' } }
    // A request for a token gets one that is revoked already.
    if (isExpired && url.pathname === TOKEN_PATH) tokens.revoke()
    return { reply, fault }
  }

  const server = createServer(async (request, response) => {
    try {
      const { reply, fault } = await answer(request)
      await send(request, response, reply, fault)
    } catch (error) {
      if (response.headersSent || request.socket.destroyed) return
      const isTheirs = error instanceof RangeError || error instanceof SyntaxError || error instanceof URIError
      const detail = error instanceof Error ? error.message : String(error)
      await send(request, response, { status: isTheirs ? 400 : 500, body: { error: 'bad_request', detail } })
    }
  })
  const url = await listen(server, settings.port)
  return {
    ...{ url, tokenUrl: `${url}${TOKEN_PATH}`, clientId, clientSecret, webhookSecret },
    ...{ catalogue, tokens, faults, webhooks, counters },
    deliverTo(next) {
      webhookUrl = next
    },
    async close() {
      webhooks.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

function ok(body: unknown): Reply {
  return { status: 200, body }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RangeError('The body is too large.')
  }
  return Buffer.concat(chunks).toString()
}

async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, HOST)
  await once(server, 'listening')
  return `http://${HOST}:${(server.address() as AddressInfo).port}`
}
