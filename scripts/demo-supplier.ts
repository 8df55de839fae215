import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSupplier } from '../tools/supplier-simulator/start-supplier.ts'
import type { Environment } from './environment.ts'

/** The supplier of a demo: the simulator, in the process of the service. */
export interface DemoSupplier {
  /** What the service is configured with. */
  env: Environment['env']
  url: string
  /** Delivers webhooks to the service at this address. */
  deliverTo(serviceUrl: string): void
  close(): Promise<void>
}

const PORT = 4010
const WEBHOOKS_PATH = '/api/v1/webhooks/events'
/** Variables of the demo, for other commands beside it. */
const FILE = join(import.meta.dirname, '../.data/development/supplier.json')

/** Is there a demo supplier to be started, or to be used: has nobody configured one, nor anything else of the kind? */
export function hasDemoSupplier({ env, isPrivate }: Environment): boolean {
  return isPrivate && !env.EXTERNAL_API_BASE_URL && !env.OAUTH_TOKEN_URL
}

/** Starts the supplier of a demo, at its usual port unless that is in use or no port is wished for. */
export async function startDemoSupplier({ env }: Environment): Promise<DemoSupplier> {
  const [webhookSecret] = (env.WEBHOOK_SECRET ?? '').split(',').map((secret) => secret.trim())
  const options = webhookSecret ? { webhookSecret } : {}
  const start = (port: number) => startSupplier({ ...options, port })
  const supplier = await start(env.PORT === '0' ? 0 : PORT).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    return start(0)
  })
  const { url, tokenUrl, clientId, clientSecret } = supplier
  const oauth = { OAUTH_TOKEN_URL: tokenUrl, OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }
  const variables = JSON.stringify({ EXTERNAL_API_BASE_URL: url, ...oauth })
  writeFileSync(FILE, variables, { mode: 0o600 })
  return {
    env: { ...env, ...JSON.parse(variables), WEBHOOK_SECRET: env.WEBHOOK_SECRET || supplier.webhookSecret },
    url,
    deliverTo: (serviceUrl) => supplier.deliverTo(serviceUrl + WEBHOOKS_PATH),
    async close() {
      if (read() === variables) rmSync(FILE)
      await supplier.close()
    }
  }
}

/** The variables of the demo that runs, if one does. */
export function demoSupplierVariables(): Record<string, string> {
  return JSON.parse(read() ?? '{}')
}

function read(): string | undefined {
  try {
    return readFileSync(FILE, 'utf8')
  } catch {
    // No demo runs.
    return undefined
  }
}
