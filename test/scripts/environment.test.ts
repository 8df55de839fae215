import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeClone, untilNothingIsLeft } from '../support/clone.ts'
import { findProcesses } from '../support/processes.ts'
import { runBootstrap } from '../support/run-in-clone.ts'

const NOWHERE = {
  DB_HOST: '127.0.0.1',
  DB_PORT: '1',
  DB_USER: 'root',
  DB_NAME: 'aisle',
  REDIS_URL: 'redis://127.0.0.1:1'
}

t.test('the servers of a command', async (t) => {
  const clone = makeClone(t)
  const migrate = async (env: NodeJS.ProcessEnv) => {
    const run = runBootstrap(clone, ['migrate'], env)
    return { status: await run.ended, output: run.output() }
  }
  const half = { REDIS_URL: 'redis://127.0.0.1:1' }

  t.test('configured servers are used, and no private ones started', async (t) => {
    t.same(await migrate(NOWHERE), { status: 1, output: 'connect ECONNREFUSED 127.0.0.1:1\n' })
    t.notOk(existsSync(join(clone, '.data')))
  })

  t.test('half a configuration is refused', async (t) => {
    const { status, output } = await migrate(half)
    t.equal(status, 1)
    t.match(output, /^REDIS_URL is set, but DB_HOST \(or DB_SOCKET\) is not\. .*\n$/)
    t.match(
      (await migrate({ DB_HOST: 'db.example' })).output,
      /^DB_HOST or DB_SOCKET is set, but REDIS_URL is not\. .*\n$/
    )
    t.notOk(existsSync(join(clone, '.data')))
  })

  t.test('production starts no servers, and names what is missing', async (t) => {
    const { status, output } = await migrate({ NODE_ENV: 'production' })
    t.equal(status, 1)
    t.match(output, /DB_HOST or DB_SOCKET is required/)
    t.match(output, /REDIS_URL is required/)
    t.notMatch(output, /^ +at /m)
    t.notOk(existsSync(join(clone, '.data')))
  })

  t.test('variables of the process override .env', async (t) => {
    writeFileSync(join(clone, '.env'), 'REDIS_URL=redis://127.0.0.1:1\n')
    t.match((await migrate({})).output, 'REDIS_URL is set')
    t.equal((await migrate({ ...NOWHERE, DB_PORT: '2' })).output, 'connect ECONNREFUSED 127.0.0.1:2\n')
    writeFileSync(join(clone, '.env'), '')
  })

  t.test('with nothing configured, private servers run as long as the command', async (t) => {
    const { status, output } = await migrate({})
    t.equal(status, 0)
    t.match(output, /started[\s\S]*applied 001/)
    t.notOk(
      findProcesses(clone).some(({ args }) => args.includes('.sock')),
      'the engines are down when the command ends'
    )
    t.match((await migrate({})).output, 'up to date')
    await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
  })
})
