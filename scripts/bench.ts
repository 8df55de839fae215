import { parseArgs } from 'node:util'
import { benchmarks, isBenchmark } from '../bench/benchmarks.ts'
import { describeMachine, inspectServer, writeSection } from '../bench/results.ts'
import { loadConfig } from '../src/config.ts'
import { readOrFail } from './command-line.ts'
import { runCommand } from './run-command.ts'

const USAGE = `npm run bench -- [NAME ...]

  NAME  one of ${Object.keys(benchmarks).join(', ')}; all of them unless said`

const names = readOrFail(USAGE, readNames)

await runCommand(async ({ env }) => {
  const config = loadConfig(env)
  const { engine, description } = await inspectServer(config.mysql)
  for (const name of names) {
    const result = await benchmarks[name](config)
    console.log(result)
    await writeSection(`${name} on ${engine}`, `${result}\n\n${description}; ${describeMachine()}.`)
  }
})

function readNames() {
  const { positionals } = parseArgs({ allowPositionals: true })
  const unknown = positionals.find((name) => !isBenchmark(name))
  if (unknown !== undefined) throw new Error(`There is no benchmark ${unknown}.`)
  const chosen = positionals.filter(isBenchmark)
  return chosen.length > 0 ? chosen : Object.keys(benchmarks).filter(isBenchmark)
}
