import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { killAll, makeClone, runtimeFolderOf, untilNothingIsLeft } from '../support/clone.ts'
import { findProcesses } from '../support/processes.ts'
import { runNpm } from '../support/run-in-clone.ts'
import { start } from '../support/start-in-clone.ts'
import { waitFor } from '../support/wait-for.ts'

const clone = makeClone(t)
const home = join(clone, '.data/development')
const NO_ENGINE = /^(?!.*\.sock)/
const isEngine = ({ args }: { args: string }) => !NO_ENGINE.test(args)

t.test('start after kill -9 during the creation of the database', async (t) => {
  const killed = runNpm(clone, ['start'], { PORT: '0' })
  await waitFor('it is half-way', () => existsSync(home) && readdirSync(home).some((name) => name.includes('.new-')))
  await killAll(clone)
  await killed.ended
  t.notOk(
    readdirSync(home).some((name) => /^(MariaDB|MySQL)-[\d.]+$/.test(name)),
    'it did not finish'
  )
  const { run, url } = await start(clone)
  t.equal((await fetch(`${url}/api/v1/products`)).status, 200)
  t.notOk(
    readdirSync(home).some((name) => name.includes('.new-')),
    'the incomplete database is removed'
  )
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('start after kill -9 of all but the engines takes them over', async (t) => {
  await start(clone)
  await killAll(clone, NO_ENGINE)
  t.ok(findProcesses(clone).every(isEngine))
  t.equal(findProcesses(clone).length, 2)
  const { run } = await start(clone)
  t.match(run.output(), /taken over[\s\S]*taken over/)
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('start after kill -9 of everything, with dead sockets', async (t) => {
  await start(clone)
  await killAll(clone)
  t.ok(existsSync(join(runtimeFolderOf(clone), 'control.sock')))
  const { run } = await start(clone)
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('start when another process has the id of a former engine', async (t) => {
  writeFileSync(join(home, 'redis.log.pid'), String(process.pid))
  const { run } = await start(clone)
  t.notMatch(run.output(), 'taken over')
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left, but this very process')
})

t.test('start with another program on the port fails readably', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const run = runNpm(clone, ['start'], { PORT: String(port) })
  t.equal(await run.ended, 1)
  t.match(run.output(), `Port ${port} is in use. Stop the program that listens there, or take another port: PORT=`)
  t.notMatch(run.output(), /^ +at /m, 'no stack')
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('npm run dev restarts on a change, with the same engines', async (t) => {
  const run = runNpm(clone, ['run', 'dev'], { PORT: '0' })
  await run.untilOutput(/health +http/)
  const engines = findProcesses(clone).filter(isEngine)
  appendFileSync(join(clone, 'src/app.ts'), '\n// changed\n')
  await run.untilOutput(/health +http[\s\S]*health +http/)
  t.same(findProcesses(clone).filter(isEngine), engines)
  run.signalGroup('SIGINT')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})
