import { printHelp } from './command-line.ts'
import { runCommand } from './run-command.ts'
import { runProgram } from './run-program.ts'
import { printStep } from './steps.ts'
import { prepareTestEnvironment } from './test-environment.ts'

const USAGE = `npm test

Starts private engines, checks the types, lints, and runs all tests. Arguments are those of tap.`
const STEPS: Record<string, string[]> = {
  'types checked': ['node_modules/typescript/bin/tsc', '--noEmit'],
  'code linted': ['node_modules/@biomejs/biome/bin/biome', 'check'],
  'tests passed': ['node_modules/tap/dist/esm/run.mjs', ...process.argv.slice(2)]
}

printHelp(USAGE)
await runCommand(async ({ env }) => {
  for (const [label, program] of Object.entries(STEPS)) {
    const startedAt = performance.now()
    const status = await runProgram(program, env)
    if (status !== 0) return status
    printStep(label, startedAt)
  }
}, prepareTestEnvironment)
