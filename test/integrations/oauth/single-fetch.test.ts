import { once } from 'node:events'
import t from 'tap'
import { tokenSetup } from './support/token-setup.ts'

const callers = <T>(count: number, call: () => Promise<T>) => Promise.all(Array.from({ length: count }, call))

t.test('fifty instances with twenty callers each cost the provider one request', async (t) => {
  const setup = await tokenSetup(t)
  const instances = await setup.instances(50)
  const tokens = await Promise.all(instances.map((instance) => callers(20, () => instance.get())))
  t.equal(setup.tokenRequests, 1)
  t.equal(new Set(tokens.flat()).size, 1)
  t.equal(tokens.flat().length, 1000)
})

t.test('so do processes', async (t) => {
  const setup = await tokenSetup(t)
  const children = await Promise.all([1, 2, 3, 4].map(() => setup.process()))
  const answers = children.map((child) => once(child, 'message'))
  for (const child of children) child.send(20)
  const tokens = (await Promise.all(answers)).flatMap(([given]) => given)
  t.equal(tokens.length, 80)
  t.equal(new Set(tokens).size, 1)
  t.equal(setup.tokenRequests, 1)
})

t.test('with another secret or scope there is another token', async (t) => {
  const setup = await tokenSetup(t)
  const one = await setup.instance()
  const other = await setup.instance({ credentials: { scope: 'products:read' } })
  t.not(await one.get(), await other.get())
  t.equal(setup.tokenRequests, 2)
})
