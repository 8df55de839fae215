import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runBootstrap } from './support/run.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(REPOSITORY, 'package.json'), 'utf8')
)
const readme = readFileSync(join(REPOSITORY, 'scripts/README.md'), 'utf8')

for (const [name, program] of Object.entries(scripts)) {
  t.test(name, async (t) => {
    const command = program.split(' ').at(-1) ?? ''
    const run = runBootstrap(REPOSITORY, [command, '--help'])
    t.equal(await run.ended, 0, run.output())
    t.match(run.output(), /usage:|tsc: The TypeScript Compiler/i)
    t.notMatch(run.output(), /\n +at /, 'no stack')
    const call = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`
    t.match(readme, `| \`${call}\` |`, 'scripts/README.md lists it')
  })
}
