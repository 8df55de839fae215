import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFaults, type Fault, type Faults, type Reply, replyOf, send } from './faults.ts'
import { type IssuedTokens, type IssuedTokensOptions, issuedTokens } from './issued-tokens.ts'
import { readDeliveryOrder, readFaults } from './read-control.ts'
import { type SupplierCatalogue, supplierCatalogue } from './supplier-catalogue.ts'
import { type DeliveryCounts, type WebhookSender, type WebhookSenderOptions, webhookSender } from './webhook-sender.ts'

export interface SupplierOptions extends Partial<Omit<IssuedTokensOptions, 'nowMs'>> {
  /** 0 is any that is free. */
  port?: number
  /** How many products, and the seed of the catalogue that they are in. */
  products?: number
  seed?: number
  /** Where webhooks go unless an order says otherwise, and the secret that they are signed with. */
  webhookUrl?: string
  webhookSecret?: string
  retryDelaysMs?: WebhookSenderOptions['retryDelaysMs']
  /** Decides which requests a fault strikes that has a share. */
  random?: () => number
}

/** What has come in and gone out, as `GET /counters` tells it. */
export interface SupplierCounters {
  /** By method and path, such as `GET /availability`. */
  requests: Record<string, number>
  /** Requests with a token that does not hold. */
  refusedTokens: number
  /** Faults that have struck, by kind. */
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
  /** Where webhooks go from now on, unless an order says otherwise. */
  deliverTo(webhookUrl: string): void
  counters(): SupplierCounters
  /** Ends all connections, too. */
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
  ...{ port: 0, products: 5000, seed: 42, random: Math.random },
  ...{ clientId: 'aisle', clientSecret: 'supplier-simulator-client-secret', tokenSeconds: 3600 },
  webhookSecret: 'supplier-simulator-webhook-secret'
}

/**
 * Starts a supplier: its token endpoint, its API, its webhooks, and the control of what goes wrong. All state is in
 * memory. It listens on the loopback interface only.
 */
export async function startSupplier(options: SupplierOptions = {}): Promise<Supplier> {
  const settings = { ...DEFAULTS, ...options }
  const { clientId, clientSecret, webhookSecret } = settings
  let { webhookUrl } = options
  const nowMs = Date.now
  const catalogue = supplierCatalogue(settings.products, settings.seed, nowMs)
  const tokens = issuedTokens({ ...settings, nowMs })
  const faults = createFaults(settings.random)
  const { retryDelaysMs } = settings
  const webhooks = webhookSender({
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

  /** What is there for clients; faults strike it, and it is counted. */
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
    // Of a request for a token it is the one that it gets.
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
