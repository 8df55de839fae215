import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findProcesses } from '../support/processes.ts'
import { runBootstrap } from '../support/run-in-clone.ts'
import { waitFor } from '../support/wait-for.ts'

const SCRIPTS = join(import.meta.dirname, '../../scripts')
const PINNED_PACKAGE = `node-${process.platform}-${process.arch}`

const LOCK = {
  '': { name: 'shop' },
  'node_modules/framework': { version: '5.0.0', integrity: 'sha512-a' },
  'node_modules/linter': { version: '2.0.0', integrity: 'sha512-b', dev: true },
  'node_modules/for-another-system': { version: '1.0.0', integrity: 'sha512-c', optional: true }
}

/** A program that installs as npm does, as far as the bootstrap can see: slowly, and it writes its record last. */
const NPM = `
const fs = require('node:fs')
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n')
process.title = 'npm ci'
const everything = process.argv.includes('--include=dev')
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'))
const installed = Object.entries(packages).filter(([name, entry]) => name && !entry.optional && (everything || !entry.dev))
const finish = () => {
  if (fs.existsSync('npm-must-wait')) return setTimeout(finish, 10)
  if (fs.existsSync('npm-must-fail')) return console.error('npm error 404 framework@5.0.0'), process.exit(1)
  fs.mkdirSync('node_modules', { recursive: true })
  fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(installed) }))
}
finish()
`

t.test('the first start installs the packages of the service, the second one nothing', async (t) => {
  const shop = makeShop(t)
  const first = shop.run(['start', '--port', '1'])
  t.equal(await first.ended, 0)
  t.match(first.output(), /^✔ dependencies installed {2}\d+\.\d s\n/)
  t.match(first.output(), 'start.ts --port 1')
  t.same(shop.npmCalls(), ['ci --omit=dev --include=optional --loglevel=error'])
  const second = shop.run(['start'])
  t.equal(await second.ended, 0)
  t.notMatch(second.output(), 'installed')
  t.equal(shop.npmCalls().length, 1)
})

t.test('development packages are installed by the first command that needs them, and kept', async (t) => {
  const shop = makeShop(t)
  await shop.run(['start']).ended
  await shop.run(['openapi']).ended
  await shop.run(['openapi']).ended
  await shop.run(['start']).ended
  t.match(shop.npmCalls(), [/--omit=dev/, /--include=dev/])
  t.equal(shop.npmCalls().length, 2)
  shop.writeLock({ ...LOCK, 'node_modules/framework': { version: '5.0.1', integrity: 'sha512-d' } })
  await shop.run(['start']).ended
  t.match(shop.npmCalls()[2], /--include=dev/, 'a new version keeps the linter')
})

t.test('a manual install is accepted', async (t) => {
  const shop = makeShop(t)
  const { '': _, 'node_modules/for-another-system': __, ...installed } = LOCK
  shop.writeRecord(installed)
  t.equal(await shop.run(['openapi']).ended, 0)
  t.same(shop.npmCalls(), [])
})

t.test('a killed install is repaired: packages without the record of npm do not count', async (t) => {
  const shop = makeShop(t)
  mkdirSync(join(shop.folder, 'node_modules/framework'), { recursive: true })
  t.equal(await shop.run(['start']).ended, 0)
  t.equal(shop.npmCalls().length, 1)
})

t.test('an install that was killed over an earlier, smaller one is repaired', async (t) => {
  const shop = makeShop(t)
  await shop.run(['start']).ended
  shop.touch('npm-must-wait')
  const killed = shop.run(['openapi'])
  const npm = await waitFor('npm runs', () => findProcesses(shop.folder).find(({ args }) => args.startsWith('npm ci')))
  process.kill(npm.pid, 'SIGKILL')
  t.equal(await killed.ended, 1)
  shop.remove('npm-must-wait')
  t.equal(await shop.run(['start']).ended, 0)
  t.equal(shop.npmCalls().length, 3, 'the packages of the service may be gone, too')
})

t.test('a failing install prints the reason without a stack, and the next command tries again', async (t) => {
  const shop = makeShop(t)
  shop.touch('npm-must-fail')
  const failing = shop.run(['start'])
  t.equal(await failing.ended, 1)
  t.equal(failing.output(), 'npm could not install the dependencies:\nnpm error 404 framework@5.0.0\n')
  shop.remove('npm-must-fail')
  t.equal(await shop.run(['start']).ended, 0)
})

t.test('two commands at once install once', async (t) => {
  const shop = makeShop(t)
  shop.touch('npm-must-wait')
  const runs = [shop.run(['start']), shop.run(['start'])]
  await waitFor('npm runs', () => shop.npmCalls().length > 0)
  shop.remove('npm-must-wait')
  t.same(await Promise.all(runs.map((run) => run.ended)), [0, 0])
  t.equal(shop.npmCalls().length, 1)
})

t.test('a command waits for an npm that outlived its killed command', async (t) => {
  const shop = makeShop(t)
  shop.touch('npm-must-wait')
  const killed = shop.run(['start'])
  await waitFor('npm runs', () => findProcesses(shop.folder).some(({ args }) => args.startsWith('npm ci')))
  killed.process.kill('SIGKILL')
  const next = shop.run(['start'])
  await waitFor('the next command runs', () => findProcesses(shop.folder).some(({ pid }) => pid === next.process.pid))
  shop.remove('npm-must-wait')
  t.equal(await next.ended, 0)
  t.equal(shop.npmCalls().length, 1)
})

t.test('SIGTERM during an install ends npm, too', async (t) => {
  const shop = makeShop(t)
  shop.touch('npm-must-wait')
  const run = shop.run(['start'])
  await waitFor('npm runs', () => findProcesses(shop.folder).some(({ args }) => args.startsWith('npm ci')))
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 1)
  await t.resolves(waitFor('npm is gone', () => findProcesses(shop.folder).length === 0))
})

t.test('under an old Node', async (t) => {
  const shop = makeShop(t)
  shop.pretendNodeIsOld()
  await shop.run(['start']).ended

  t.test('the pinned Node runs the command, with its arguments and its exit status', async (t) => {
    const run = shop.run(['start', 'exit', '7'])
    t.equal(await run.ended, 7)
    t.match(run.output(), 'start.ts exit 7')
  })
  t.test('signals reach the command', async (t) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const run = shop.run(['start', 'wait'])
      await run.untilOutput(/start\.ts wait/)
      run.process.kill(signal)
      t.equal(await run.ended, 5)
      t.match(run.output(), `got ${signal}`)
    }
  })
  t.test('kill -9 ends the command gracefully', async (t) => {
    const run = shop.run(['start', 'wait'])
    await run.untilOutput(/start\.ts wait/)
    run.process.kill('SIGKILL')
    await t.resolves(run.untilOutput(/got SIGTERM/))
  })
  t.test('without a pinned Node, one line says what to do', async (t) => {
    shop.writePackage({})
    const run = shop.run(['start'])
    t.equal(await run.ended, 1)
    t.match(run.output(), /^Aisle needs Node\.js 99\.0 or newer, and this is [\d.]+\. Install a newer one .*\n$/)
  })
})

t.test('an unknown command is an error', async (t) => {
  const run = makeShop(t).run(['../etc/passwd'])
  t.equal(await run.ended, 1)
  t.equal(run.output(), 'There is no command "../etc/passwd": `npm run` lists them.\n')
})

/** Makes a repository with the real bootstrap, a controlled npm, and a command that prints its arguments. */
function makeShop(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'aisle-shop-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string) => join(folder, name)
  const writeJson = (name: string, content: unknown) => writeFileSync(file(name), JSON.stringify(content))
  mkdirSync(file('scripts'))
  for (const name of ['bootstrap.cjs', 'install.cjs']) cpSync(join(SCRIPTS, name), file(`scripts/${name}`))
  writeFileSync(file('npm-cli.js'), NPM)
  writeFileSync(
    file('scripts/start.ts'),
    `const [script, ...args]: string[] = process.argv.slice(1)
     console.log(script, ...args)
     if (args[0] === 'exit') process.exit(Number(args[1]))
     if (args[0] === 'wait') {
       setInterval(() => {}, 1000)
       for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { console.log('got', signal); process.exit(5) })
     }`
  )
  cpSync(file('scripts/start.ts'), file('scripts/openapi.ts'))
  const shop = {
    folder,
    run: (args: string[]) =>
      runBootstrap(folder, args, { npm_execpath: file('npm-cli.js'), npm_node_execpath: process.execPath }),
    npmCalls: () => (existsSync(file('npm-calls')) ? readFileSync(file('npm-calls'), 'utf8').trim().split('\n') : []),
    touch: (name: string) => writeFileSync(file(name), ''),
    remove: (name: string) => rmSync(file(name)),
    writeLock: (packages: object) => writeJson('package-lock.json', { packages }),
    writePackage: (optionalDependencies: object) => writeJson('package.json', { optionalDependencies }),
    writeRecord: (packages: object) => {
      mkdirSync(file('node_modules'), { recursive: true })
      writeJson('node_modules/.package-lock.json', { packages })
    },
    pretendNodeIsOld: () => {
      const bootstrap = readFileSync(file('scripts/bootstrap.cjs'), 'utf8')
      writeFileSync(file('scripts/bootstrap.cjs'), bootstrap.replace(/MINIMUM_NODE = '.*'/, "MINIMUM_NODE = '99.0'"))
      mkdirSync(file(`node_modules/${PINNED_PACKAGE}/bin`), { recursive: true })
      symlinkSync(process.execPath, file(`node_modules/${PINNED_PACKAGE}/bin/node`))
    }
  }
  shop.writeLock(LOCK)
  shop.writePackage({ [PINNED_PACKAGE]: '24.0.0' })
  return shop
}
