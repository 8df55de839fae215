import { runCommand } from './run-command.ts'
import { runProgram } from './run-program.ts'
import { prepareTestEnvironment } from './test-environment.ts'

// Some of the tests cover some of the code: how much says nothing.
const TAP = ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage']

await runCommand(({ env }) => runProgram([...TAP, ...process.argv.slice(2)], env), prepareTestEnvironment)
