import { createServer } from 'node:net'
import t from 'tap'
import { proxied } from '../support/proxied.ts'
import { startService, toEnvironment } from '../support/service.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const COM_QUERY = 0x03

const NOTHING = { DB_HOST: '', DB_SOCKET: '', DB_USER: '', DB_NAME: '', REDIS_URL: '', PORT: '0' }

t.test('without a configuration it names all that is missing', async (t) => {
  const service = await startService(t, NOTHING)
  const { code } = await service.exit
  t.equal(code, 1)
  for (const name of ['DB_HOST or DB_SOCKET', 'DB_USER', 'DB_NAME', 'REDIS_URL']) t.match(service.stderr, name)
  t.notMatch(service.stderr, /\bat .*:\d+/, 'no stack')
  t.same(service.log, [])
})

t.test('with a wrong one it names all that is wrong', async (t) => {
  const wrong = { ...NOTHING, PORT: 'abc', LOG_LEVEL: 'loud', REDIS_URL: 'http://x', DB_CONNECTION_LIMIT: '0' }
  const service = await startService(t, wrong)
  t.equal((await service.exit).code, 1)
  for (const name of ['PORT', 'LOG_LEVEL', 'REDIS_URL', 'DB_CONNECTION_LIMIT', 'DB_USER']) t.match(service.stderr, name)
})

t.test('a port in use is one readable line', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const address = other.address()
  const port = address !== null && typeof address === 'object' ? String(address.port) : ''
  const service = await startService(t, { ...toEnvironment(await testConfig(t)), PORT: port })
  t.equal((await service.exit).code, 1)
  t.match(service.stderr, new RegExp(`^[^\\n]*EADDRINUSE[^\\n]*${port}\\n$`))
})

t.test('a server that greets and then answers no question neither delays the start nor ends it later', async (t) => {
  const { config, mysql } = await proxied(t, await testConfig(t, { LOG_LEVEL: 'info' }))
  mysql.muteAt((chunk) => chunk[4] === COM_QUERY)
  const service = await startService(t, toEnvironment(config))
  const [reported] = service.logged(/^MySQL does not answer/)
  t.match(reported?.err?.message, /Connection lost/, 'before any limit of the framework')
  t.equal((await fetch(`${service.url}/health/readiness`)).status, 503)
  mysql.pass()
  await waitFor('ready', async () => (await fetch(`${service.url}/health/readiness`)).status === 200)
  t.equal((await fetch(`${service.url}/api/v1/products`)).status, 200)
  service.signal('SIGTERM')
  t.equal((await service.exit).code, 0)
})
