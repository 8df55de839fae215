import { loadConfig, type MysqlConfig } from '../src/config.ts'
import { migrate } from '../src/database/migrate.ts'
import { serve } from '../src/lifecycle/serve.ts'
import { fillEmptyCatalogue } from './demo-catalogue.ts'
import { runCommand } from './run-command.ts'
import { printStep } from './steps.ts'

await runCommand(async ({ env, isPrivate, release }) => {
  const config = loadConfig(env)
  if (isPrivate) await bringUpToDate(config.mysql)

  const startedAt = performance.now()
  const { url } = await serve(config, { onClosed: release })
  printStep(`serving on ${url}`, startedAt)
  printExamples(url)
  // From here on the server ends the process.
  return await new Promise<never>(() => {})
})

async function bringUpToDate(database: MysqlConfig): Promise<void> {
  let startedAt = performance.now()
  const migrations = await migrate(database)
  if (migrations.length > 0) printStep('schema migrated', startedAt)
  startedAt = performance.now()
  const rows = await fillEmptyCatalogue(database)
  if (rows > 0) printStep(`demo catalogue of ${rows.toLocaleString('en')} products added`, startedAt)
}

function printExamples(url: string): void {
  const products = `${url}/api/v1/products`
  console.log(`
  list      ${products}
  search    ${products}?search=coffee
  filter    ${products}?minPrice=5&maxPrice=20&sortBy=price&sortOrder=asc
  docs      ${url}/docs
  health    ${url}/health
`)
}
