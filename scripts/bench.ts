import { parseArgs } from 'node:util'
import { benchmarks, isBenchmark } from '../bench/benchmarks.ts'
import { describeMachine, inspectServer, writeSection } from '../bench/results.ts'
import { loadConfig } from '../src/config/config.ts'
import { readCommandLine, readInteger } from './command-line.ts'
import { runCommand } from './run-command.ts'
import { MAX_ROWS } from './seed/shop-calendar.ts'

/** A smaller catalogue has no deep pages and no rare words. */
const MIN_ROWS = 10_000
const USAGE = `npm run bench -- [NAME ...] [--quick] [--rows N ...]

  NAME      ${Object.keys(benchmarks).join(', ')} (default: all)
  --quick   shorter runs, whose numbers are only printed
  --rows N  the size of the catalogue, only for listing; repeat it for several sizes. Results get a section of their own

Runs benchmarks and writes their results to bench/results.md. bench/README.md explains them.`

const { names, isQuick, sizes } = readCommandLine(USAGE, readOptions)

await runCommand(async ({ env }) => {
  const config = loadConfig(env)
  const { engine, description } = await inspectServer(config.mysql)
  for (const name of names) {
    const result = await benchmarks[name](config, { env, isQuick, ...(sizes && { sizes }) })
    console.log(result)
    if (isQuick) continue
    const subject = sizes ? `${name} at ${sizes.map((size) => size.toLocaleString('en')).join(' and ')}` : name
    await writeSection(`${subject} on ${engine}`, `${result}\n\n${description}; ${describeMachine()}.`)
  }
})

function readOptions() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean' }, rows: { type: 'string', multiple: true } }
  })
  const unknown = positionals.find((name) => !isBenchmark(name))
  if (unknown !== undefined) throw new Error(`There is no benchmark "${unknown}".`)
  const chosen = positionals.filter(isBenchmark)
  const names = chosen.length > 0 ? chosen : Object.keys(benchmarks).filter(isBenchmark)
  const sizes = values.rows
    ?.flatMap((text) => text.split(','))
    .map((text) => readInteger('--rows', text, MIN_ROWS, MAX_ROWS))
  if (sizes && names.some((name) => name !== 'listing')) throw new Error('--rows only applies to listing.')
  return { names, isQuick: values.quick ?? false, sizes }
}
