import { once } from 'node:events'
import t from 'tap'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { waitFor } from '../../support/wait-for.ts'
import { issued, tokenSetup } from './support/token-setup.ts'

const LOCK_MS = 300

t.test('a lock outlives its owner by its time at most', async (t) => {
  const setup = await tokenSetup(t)
  const { faults } = setup.supplier
  faults.set([{ path: '/oauth', kind: 'silence', count: 1 }])
  const holder = await setup.process({ lockMs: LOCK_MS })
  const instances = await setup.instances(3)
  holder.send(1)
  await waitFor('it asks the provider', () => setup.tokenRequests === 1)
  holder.kill('SIGKILL')

  const [instance] = instances
  const leftMs = (await instance?.redis.pttl(`${instance.tokenKey}:lock`)) ?? LOCK_MS + 1
  t.ok(leftMs <= LOCK_MS, `${leftMs} ms`)
  const tokens = await Promise.all(instances.map(({ get }) => get()))
  t.equal(new Set(tokens).size, 1)
  t.equal(setup.tokenRequests, 2)
})

t.test('an owner that was paused, and lost its lock, overwrites nothing', async (t) => {
  const setup = await tokenSetup(t)
  const provider = await scriptedUpstream(t)
  let release = () => {}
  provider.script((response, message) => {
    release = () => issued('late')(response, message)
  }, issued('newer'))
  const credentials = { tokenUrl: provider.url }
  const holder = await setup.process({ credentials, lockMs: LOCK_MS })
  const instance = await setup.instance({ credentials })
  const answer = once(holder, 'message')
  holder.send(1)
  await waitFor('it asks the provider', () => provider.requests === 1)
  holder.kill('SIGSTOP')

  t.equal(await instance.get(), 'newer')
  release()
  holder.kill('SIGCONT')
  const [[given]] = await answer
  t.equal(given, 'newer', 'it uses the token that is there')
  t.equal(await (await setup.instance({ credentials })).get(), 'newer', 'which is still there')
  t.equal(provider.requests, 2)
})

t.test('a lock that is never released keeps nobody out', async (t) => {
  const setup = await tokenSetup(t)
  const instance = await setup.instance({ lockMs: LOCK_MS })
  await instance.redis.set(`${instance.tokenKey}:lock`, 'somebody')
  t.type(await instance.get(), 'string')
})
