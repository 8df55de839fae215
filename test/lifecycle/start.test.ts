import { createServer } from 'node:net'
import t from 'tap'
import { startService, toEnvironment } from '../support/service.ts'
import { testConfig } from '../support/test-config.ts'

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
