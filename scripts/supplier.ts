import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { startSupplier } from '../tools/supplier-simulator/start-supplier.ts'
import { readCommandLine, readInteger } from './command-line.ts'
import { createInterruptSignal } from './interrupt-signal.ts'

const USAGE = `npm run supplier -- [--port 4010] [--products 5000] [--seed 42] [--token-seconds 3600]
       [--deliver-to URL --rate EVENTS_PER_SECOND]

Starts a supplier simulator: a token endpoint, availability, a product feed, signed webhooks, and faults on demand.
It uses OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET and WEBHOOK_SECRET from the environment if they are set.`

const DOT_ENV = join(import.meta.dirname, '../.env')
const env = { ...(existsSync(DOT_ENV) ? parseEnv(readFileSync(DOT_ENV, 'utf8')) : {}), ...process.env }

const { webhookUrl, rate, ...options } = readCommandLine(USAGE, readOptions)
const [webhookSecret] = (env.WEBHOOK_SECRET ?? '').split(',').map((secret) => secret.trim())
const supplier = await startSupplier({
  ...options,
  ...(webhookUrl !== undefined && { webhookUrl }),
  ...(env.OAUTH_CLIENT_ID && { clientId: env.OAUTH_CLIENT_ID }),
  ...(env.OAUTH_CLIENT_SECRET && { clientSecret: env.OAUTH_CLIENT_SECRET }),
  ...(webhookSecret && { webhookSecret })
})
if (webhookUrl !== undefined) supplier.webhooks.start({ url: webhookUrl, rate })

const { url, tokenUrl } = supplier
const [example] = supplier.catalogue.page(null, null, 1).data
console.log(`
  token         POST ${tokenUrl}
  availability  ${url}/availability/${example?.sku}
  feed          ${url}/products?limit=100
  faults        PUT ${url}/faults   {"faults":[{"path":"/availability","kind":"status","status":503}]}
  webhooks      POST ${url}/deliveries   {"url":"http://…","count":10}
  counters      ${url}/counters
`)

createInterruptSignal().addEventListener('abort', async () => {
  await supplier.close()
  process.exit(0)
})

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4010' },
      products: { type: 'string', default: '5000' },
      seed: { type: 'string', default: '42' },
      'token-seconds': { type: 'string', default: '3600' },
      'deliver-to': { type: 'string' },
      rate: { type: 'string', default: '1' }
    }
  })
  const { 'deliver-to': webhookUrl } = values
  if (webhookUrl !== undefined && !URL.canParse(webhookUrl)) throw new Error('--deliver-to must be a URL.')
  return {
    port: readInteger('--port', values.port, 0, 65_535),
    products: readInteger('--products', values.products, 1, 1_000_000),
    seed: readInteger('--seed', values.seed, 0, 2 ** 32 - 1),
    tokenSeconds: readInteger('--token-seconds', values['token-seconds'], 1, 86_400),
    webhookUrl,
    rate: readInteger('--rate', values.rate, 1, 1000)
  }
}
