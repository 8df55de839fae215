import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSupplier } from '../tools/supplier-simulator/start-supplier.ts'
import type { CommandEnvironment } from './environment.ts'

/** The supplier of a demo: a simulator in the process that runs the service. */
export interface DemoSupplier {
  /** The environment variables of the service. */
  env: CommandEnvironment['env']
  url: string
  /** Delivers webhooks to the service at this address. */
  deliverTo(serviceUrl: string): void
  close(): Promise<void>
}

const PORT = 4010
const WEBHOOKS_PATH = '/api/v1/webhooks/events'
/** The variables of a running demo, for other commands. */
const FILE = join(import.meta.dirname, '../.data/development/supplier.json')

/** Returns whether a command uses a demo supplier: on private engines, when no supplier is configured. */
export function hasDemoSupplier({ env, isPrivate }: CommandEnvironment): boolean {
  return isPrivate && !env.EXTERNAL_API_BASE_URL && !env.OAUTH_TOKEN_URL
}

/** Starts the supplier of a demo on its usual port, or on a free one when that is taken or `PORT` is 0. */
export async function startDemoSupplier({ env }: CommandEnvironment): Promise<DemoSupplier> {
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

/** Returns the variables of the running demo; none when no demo is running. */
export function demoSupplierVariables(): Record<string, string> {
  return JSON.parse(read() ?? '{}')
}

function read(): string | undefined {
  try {
    return readFileSync(FILE, 'utf8')
  } catch {
    // No demo is running.
    return undefined
  }
}
