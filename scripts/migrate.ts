import { migrate } from '../src/catalogue/migrate.ts'
import { loadConfig } from '../src/config/config.ts'
import { printHelp } from './command-line.ts'
import { runCommand } from './run-command.ts'

const USAGE = `npm run migrate

Applies the pending migrations. Several instances may run it at the same time.`

printHelp(USAGE)

await runCommand(async ({ env }) => {
  const applied = await migrate(loadConfig(env).mysql)
  for (const name of applied) console.log(`applied ${name}`)
  if (applied.length === 0) console.log('the schema is up to date')
})
