import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runBootstrap } from '../support/run-in-clone.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(REPOSITORY, 'package.json'), 'utf8')
)
const readme = readFileSync(join(REPOSITORY, 'scripts/README.md'), 'utf8')

for (const [name, program] of Object.entries(scripts)) {
  const command = program.split(' ').at(-1) ?? ''
  const call = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`

  t.test(`scripts/README.md lists ${call}`, async (t) => t.match(readme, `| \`${call}\` |`))

  // The others are programs of dependencies, with a --help of their own.
  if (!existsSync(join(REPOSITORY, `scripts/${command}.ts`))) continue
  t.test(`${call} prints its usage`, async (t) => {
    const run = runBootstrap(REPOSITORY, [command, '--help'])
    t.equal(await run.ended, 0, run.output())
    t.match(run.output(), `Usage: ${call}`)
  })
}
