import { parseArgs } from 'node:util'
import { readCommandLine, readInteger } from './command-line.ts'
import { createInterruptSignal } from './interrupt-signal.ts'
import { describeWork, formatNumber, startProgress } from './progress.ts'
import { runOnCatalogue } from './run-command.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'
import { MAX_ROWS } from './seed/shop-calendar.ts'

const USAGE = `npm run seed -- --rows 1000000 [--seed 42]

  --rows  the size of the catalogue, at most ${formatNumber(MAX_ROWS)}
  --seed  another number for another catalogue (default 42)

Fills the catalogue with generated products. Rows of an earlier run stay: run it again after an interruption, or for more.`

const { rows, seed } = readCommandLine(USAGE, readOptions)

await runOnCatalogue(async ({ mysql }) => {
  const startedAt = performance.now()
  const progress = startProgress()
  const onProgress = (rowsDone: number) => progress.update(rowsDone / rows, rowsDone)
  const added = await seedCatalogue(mysql, { rows, seed, onProgress, signal: createInterruptSignal() }).finally(
    progress.stop
  )
  const existing = added === rows ? '' : `, ${formatNumber(rows - added)} existed already`
  console.log(`${formatNumber(added)} rows added${existing}: ${describeWork(rows, startedAt)}`)
})

function readOptions() {
  const { values } = parseArgs({ options: { rows: { type: 'string' }, seed: { type: 'string', default: '42' } } })
  return {
    rows: readInteger('--rows', values.rows, 1, MAX_ROWS),
    seed: readInteger('--seed', values.seed, 0, 2 ** 32 - 1)
  }
}
