import { parseArgs } from 'node:util'
import { benchmarks, isBenchmark } from '../bench/benchmarks.ts'
import { describeMachine, inspectServer, writeSection } from '../bench/results.ts'
import { loadConfig } from '../src/config/config.ts'
import { readInteger, readOrFail } from './command-line.ts'
import { runCommand } from './run-command.ts'
import { MAX_ROWS } from './seed/shop-calendar.ts'

/** Less is no catalogue to look for deep pages and rare words in. */
const MIN_ROWS = 10_000
const USAGE = `npm run bench -- [NAME ...] [--quick] [--rows N ...]

  NAME      one of ${Object.keys(benchmarks).join(', ')}; all of them unless said
  --quick   a shorter run where there is one; prints its numbers, and does not write them into the results
  --rows N  the size of the catalogue, or once for each of several; only for listing, which then has a section of its own`

const { names, isQuick, sizes } = readOrFail(USAGE, readOptions)

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
  if (unknown !== undefined) throw new Error(`There is no benchmark ${unknown}.`)
  const chosen = positionals.filter(isBenchmark)
  const names = chosen.length > 0 ? chosen : Object.keys(benchmarks).filter(isBenchmark)
  const sizes = values.rows
    ?.flatMap((text) => text.split(','))
    .map((text) => readInteger('--rows', text, MIN_ROWS, MAX_ROWS))
  if (sizes && names.some((name) => name !== 'listing')) throw new Error('Only listing takes --rows.')
  return { names, isQuick: values.quick ?? false, sizes }
}
