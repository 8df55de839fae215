import { parseArgs } from 'node:util'
import { migrate } from '../src/catalogue/migrate.ts'
import { loadConfig } from '../src/config/config.ts'
import { readInteger, readOrFail } from './command-line.ts'
import { interruption } from './interruption.ts'
import { describeWork, formatNumber, startProgress } from './progress.ts'
import { runCommand } from './run-command.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'
import { MAX_ROWS } from './seed/shop-calendar.ts'

const USAGE = `npm run seed -- --rows 1000000 [--seed 42]

  --rows  the size of the catalogue, up to ${MAX_ROWS}; rows that are there already stay as they are
  --seed  another number makes another catalogue`

const { rows, seed } = readOrFail(USAGE, readOptions)

await runCommand(async ({ env, isPrivate }) => {
  const { mysql } = loadConfig(env)
  if (isPrivate) await migrate(mysql)

  const startedAt = performance.now()
  const progress = startProgress()
  const onProgress = (rowsDone: number) => progress.update(rowsDone / rows, rowsDone)
  const added = await seedCatalogue(mysql, { rows, seed, onProgress, signal: interruption() }).finally(progress.stop)
  const existing = added === rows ? '' : `, ${formatNumber(rows - added)} were there already`
  console.log(`${formatNumber(added)} rows added${existing}: ${describeWork(rows, startedAt)}`)
})

function readOptions() {
  const { values } = parseArgs({ options: { rows: { type: 'string' }, seed: { type: 'string', default: '42' } } })
  return {
    rows: readInteger('--rows', values.rows, 1, MAX_ROWS),
    seed: readInteger('--seed', values.seed, 0, 2 ** 32 - 1)
  }
}
