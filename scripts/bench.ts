import { parseArgs } from 'node:util'
import { benchmarks, isBenchmark } from '../bench/benchmarks.ts'
import { describeMachine, inspectServer, writeSection } from '../bench/results.ts'
import { loadConfig } from '../src/config.ts'
import { readOrFail } from './command-line.ts'
import { runCommand } from './run-command.ts'

const USAGE = `npm run bench -- [NAME ...] [--quick]

  NAME     one of ${Object.keys(benchmarks).join(', ')}; all of them unless said
  --quick  a shorter run where there is one; prints its numbers, and does not write them into the results`

const { names, isQuick } = readOrFail(USAGE, readOptions)

await runCommand(async ({ env }) => {
  const config = loadConfig(env)
  const { engine, description } = await inspectServer(config.mysql)
  for (const name of names) {
    const result = await benchmarks[name](config, { env, isQuick })
    console.log(result)
    if (isQuick) continue
    await writeSection(`${name} on ${engine}`, `${result}\n\n${description}; ${describeMachine()}.`)
  }
})

function readOptions() {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } })
  const unknown = positionals.find((name) => !isBenchmark(name))
  if (unknown !== undefined) throw new Error(`There is no benchmark ${unknown}.`)
  const chosen = positionals.filter(isBenchmark)
  const names = chosen.length > 0 ? chosen : Object.keys(benchmarks).filter(isBenchmark)
  return { names, isQuick: values.quick ?? false }
}
