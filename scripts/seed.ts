import { parseArgs } from 'node:util'
import { readInteger, readOrFail } from './command-line.ts'
import { interruption } from './interruption.ts'
import { describeWork, formatNumber, startProgress } from './progress.ts'
import { runOnCatalogue } from './run-command.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'
import { MAX_ROWS } from './seed/shop-calendar.ts'

const USAGE = `npm run seed -- --rows 1000000 [--seed 42]

  --rows  the size of the catalogue, at most ${MAX_ROWS}; existing rows stay as they are
  --seed  a different number makes a different catalogue`

const { rows, seed } = readOrFail(USAGE, readOptions)

await runOnCatalogue(async ({ mysql }) => {
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
