import mysql, { type RowDataPacket } from 'mysql2/promise'
import { migrate } from '../src/catalogue/migrate.ts'
import { loadConfig, type MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { serve } from '../src/serve.ts'
import { printHelp } from './command-line.ts'
import { type DemoSupplier, hasDemoSupplier, startDemoSupplier } from './demo-supplier.ts'
import { runCommand } from './run-command.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'
import { printStep } from './steps.ts'

const USAGE = `npm start

Starts the service. With nothing configured, it starts private engines, a demo catalogue and a supplier simulator first.
Variables of the environment and of .env configure it: docs/configuration.md.`

/** The size of the demo catalogue: enough for deep pages and rare words, and added within seconds. */
const DEMO_ROWS = 20_000
const DEMO_SEED = 42

printHelp(USAGE)

await runCommand(async (environment) => {
  const { env, isPrivate, release } = environment
  const supplier = hasDemoSupplier(environment) ? await startDemoSupplier(environment) : undefined
  const config = loadConfig(supplier?.env ?? env)
  if (isPrivate) await bringUpToDate(config.mysql)

  const startedAt = performance.now()
  const onClosed = async () => {
    await supplier?.close()
    await release()
  }
  const { url } = await serve(config, { onClosed }).catch(async (error) => {
    await supplier?.close()
    throw error
  })
  supplier?.deliverTo(url)
  printStep(`serving on ${url}`, startedAt)
  printExamples(url, supplier)
  // The server ends the process.
  return await new Promise<never>(() => {})
})

async function bringUpToDate(database: MysqlConfig): Promise<void> {
  let startedAt = performance.now()
  const migrations = await migrate(database)
  if (migrations.length > 0) printStep('schema migrated', startedAt)
  startedAt = performance.now()
  if (await hasProducts(database)) return
  const rows = await seedCatalogue(database, { rows: DEMO_ROWS, seed: DEMO_SEED })
  printStep(`demo catalogue of ${rows.toLocaleString('en')} products added`, startedAt)
}

async function hasProducts(database: MysqlConfig): Promise<boolean> {
  const connection = await mysql.createConnection(connectionOptions(database))
  const [rows] = await connection.query<RowDataPacket[]>('SELECT 1 FROM products LIMIT 1')
  await connection.end()
  return rows.length > 0
}

function printExamples(url: string, supplier: DemoSupplier | undefined): void {
  const products = `${url}/api/v1/products`
  console.log(`
  list      ${products}
  search    ${products}?search=coffee
  filter    ${products}?minPrice=5&maxPrice=20&sortBy=price&sortOrder=asc
  docs      ${url}/docs
  health    ${url}/health
`)
  if (supplier) console.log(`${describe(supplier)}\n`)
}

function describe({ url }: DemoSupplier): string {
  return `  supplier  ${url}, with faults on demand: docs/tour.md has a tour
            curl -X PUT -d '{"faults":[{"path":"/","kind":"status","status":503}]}' ${url}/faults
            curl -d '{"count":4}' ${url}/deliveries
            npm run sync -- --dry-run`
}
