import t from 'tap'
import { isWellFormed } from '../../src/edge/auth/key-format.ts'
import { exchange, listen } from '../support/exchange.ts'
import { unknownKey } from '../support/make-key.ts'
import { runScript } from '../support/run-script.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LIST = '/api/v1/products'
const config = await testConfig(t)
const keys = (...args: string[]) => runScript(t, config, 'keys', args)

async function create(...args: string[]) {
  const { status, stdout, stderr } = await keys('create', ...args)
  const [id = ''] = /[0-9a-f-]{36}/.exec(stderr) ?? []
  return { status, key: stdout.trimEnd(), stdout, stderr, id }
}

/** The lines of the list, each as its columns. */
async function list(): Promise<string[][]> {
  const { stdout } = await keys('list')
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
}

t.test('a key is printed once, alone on standard output', async (t) => {
  t.match(await keys('list'), { status: 0, stdout: '', stderr: /^There are no keys/ })
  const { status, key, stdout, stderr, id } = await create(
    '--name',
    'Warehouse "2"',
    '--scopes',
    'products:write,ops:read'
  )
  t.equal(status, 0)
  t.equal(stdout, `${key}\n`)
  t.ok(isWellFormed(key))
  t.match(stderr, 'Warehouse "2": products:write, ops:read')
  t.notMatch(stderr, key)
  const listed = await keys('list')
  t.notMatch(listed.stdout + listed.stderr, key)
  t.match(await list(), [
    [id, 'Warehouse "2"', 'products:write,ops:read', 'common limit', /^created 20.*Z$/, 'never used', 'valid']
  ])
})

t.test('a key can have limits of its own, and needs no scope to read', async (t) => {
  const { id } = await create('--name', 'Reader', '--limit', '100', '--window', '60')
  t.match((await list())[1], [id, 'Reader', 'products:read', '100 in 60 s'])
})

t.test('a key that is revoked by another process is refused by every instance', async (t) => {
  const { key, id } = await create('--name', 'Shop')
  const urls = await Promise.all([testApp(t, config).then(listen), testApp(t, config).then(listen)])
  const statuses = () =>
    Promise.all(urls.map(async (url) => (await exchange(url + LIST, { authorization: `Bearer ${key}` })).status))
  t.same(await statuses(), [200, 200])

  const { status, stdout } = await keys('revoke', id)
  await waitFor('all refuse it', async () => (await statuses()).every((status) => status === 401))
  t.equal(status, 0)
  t.match(stdout, /\tShop\t.*\trevoked 20/)
})

t.test('revoke also takes the key itself, and revoking again changes nothing', async (t) => {
  const { key, id } = await create('--name', 'Leaked')
  const revoked = await keys('revoke', key)
  t.match(revoked, { status: 0, stdout: new RegExp(`^${id}\tLeaked\t.*\trevoked 20`) })
  t.notMatch(revoked.stdout + revoked.stderr, key)
  t.same(await keys('revoke', id), revoked)
  t.match(await keys('revoke', unknownKey()), { status: 1, stdout: '', stderr: /^There is no such key/ })
  t.match(await keys('revoke', '019a8c1e-4b7f-7c3a-9d52-6f0e1b2a3c4d'), { status: 1, stdout: '' })
})

t.test('wrong arguments end with status 2 and a reason', async (t) => {
  const calls = [
    [],
    ['make'],
    ['create'],
    ['create', '--name', ' '],
    ['create', '--name', 'two\nlines'],
    ['create', '--name', 'x'.repeat(101)],
    ['create', '--name', 'a', '--scopes', 'products:delete'],
    ['create', '--name', 'a', '--scopes', ''],
    ['create', '--name', 'a', '--limit', '5'],
    ['create', '--name', 'a', '--window', '5'],
    ['create', '--name', 'a', '--limit', '0', '--window', '5'],
    ['create', '--name', 'a', '--limit', '5', '--window', '1.5'],
    ['create', 'a'],
    ['list', '--name', 'a'],
    ['revoke'],
    ['revoke', 'Shop'],
    ['revoke', `${unknownKey()}0`]
  ]
  const before = await list()
  const results = await Promise.all(calls.map((args) => keys(...args)))
  for (const [index, { status, stdout, stderr }] of results.entries()) {
    t.same([status, stdout], [2, ''], `${calls[index]}`)
    t.match(stderr, /Usage: npm run keys/)
  }
  t.same(await list(), before)
})
