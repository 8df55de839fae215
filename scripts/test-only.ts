import { printHelp } from './command-line.ts'
import { runCommand } from './run-command.ts'
import { runProgram } from './run-program.ts'
import { prepareTestEnvironment } from './test-environment.ts'

const USAGE = `npm run test:only -- FILE ...

Runs test files, without types and lint. Other arguments are those of tap.`

// The coverage of a few test files means nothing.
const TAP = ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage']

printHelp(USAGE)
await runCommand(({ env }) => runProgram([...TAP, ...process.argv.slice(2)], env), prepareTestEnvironment)
