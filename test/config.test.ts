import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigError, loadConfig } from '../src/config/config.ts'
import { Environment, settingGroups } from '../src/config/settings.ts'

const required = { DB_HOST: 'db', DB_USER: 'aisle', DB_NAME: 'aisle', REDIS_URL: 'redis://cache:6379' }

t.test('what is required is enough', async (t) => {
  const config = loadConfig(required)
  t.match(config.mysql, { host: 'db', port: 3306, user: 'aisle', database: 'aisle', connectionLimit: 10 })
  t.same(config.server, { host: '127.0.0.1', port: 3000, trustProxy: false, drainMs: 5000, maxEventLoopDelayMs: 1000 })
  t.same(config.warnings, [])
  t.ok(Object.isFrozen(config))
})

t.test('every fault is named, all at once', async (t) => {
  const faults: Readonly<Record<string, string>> = {
    PORT: '70000',
    LOG_LEVEL: 'loud',
    DB_CONNECTION_LIMIT: 'many',
    DB_QUERY_TIMEOUT_MS: '1e999',
    DB_SSL_CA: '/no/such/file',
    REDIS_URL: 'http://cache',
    CORS_ORIGINS: 'https://shop.example/path',
    EXTERNAL_API_BASE_URL: 'ftp://supplier.example',
    CIRCUIT_BREAKER_THRESHOLD: '0',
    TRUST_PROXY: '10.0.0.0/33'
  }
  for (const [name, value] of Object.entries(faults)) {
    t.throws(() => loadConfig({ ...required, [name]: value }), { name: 'ConfigError', message: new RegExp(name) }, name)
  }
  t.throws(
    () => loadConfig({}),
    new ConfigError([
      'DB_USER is required',
      'DB_NAME is required',
      'REDIS_URL is required',
      'DB_HOST or DB_SOCKET is required'
    ])
  )
  t.throws(() => loadConfig({ PORT: 'x', LOG_LEVEL: 'y' }), { message: /PORT[\s\S]*LOG_LEVEL/ })
})

t.test('an empty variable counts as unset', async (t) => {
  t.equal(loadConfig({ ...required, PORT: '', DB_SOCKET: '' }).server.port, 3000)
  t.throws(() => loadConfig({ ...required, DB_NAME: '' }), { message: /DB_NAME/ })
})

t.test('a socket goes before a host', async (t) => {
  t.match(loadConfig({ ...required, DB_SOCKET: '/run/mysqld.sock' }).mysql, { socketPath: '/run/mysqld.sock' })
})

t.test('the address of the supplier holds no secrets, and faults do not repeat them', async (t) => {
  const load = (EXTERNAL_API_BASE_URL: string) => loadConfig({ ...required, EXTERNAL_API_BASE_URL })
  t.equal(load('https://supplier.example/v2/').supplier.baseUrl, 'https://supplier.example/v2/')
  t.equal(loadConfig(required).supplier.baseUrl, null)
  for (const url of ['https://user:hidden@supplier.example', 'https://supplier.example?key=hidden', 'hidden']) {
    try {
      load(url)
      t.fail(url)
    } catch (error) {
      t.match(error, { name: 'ConfigError', message: /EXTERNAL_API_BASE_URL/ })
      t.notMatch(String(error), 'hidden')
    }
  }
})

t.test('proxies are trusted by number or by address', async (t) => {
  const trust = (TRUST_PROXY: string) => loadConfig({ ...required, TRUST_PROXY }).server.trustProxy
  t.equal(trust('true'), true)
  t.same(trust('10.0.0.1, 10.0.0.0/8, fd00::/8'), ['10.0.0.1', '10.0.0.0/8', 'fd00::/8'])
  const hops = trust('2')
  t.type(hops, 'function')
  if (typeof hops === 'function')
    t.same(
      [0, 1, 2].map((hop) => hops('10.0.0.1', hop)),
      [true, true, false]
    )
})

t.test('names of the predecessor are told', async (t) => {
  t.match(loadConfig({ ...required, CACHE_TTL_LONG: '60' }).warnings, [/CACHE_TTL_LONG/])
})

t.test('access tokens are configured wholly or not at all', async (t) => {
  const provider = { OAUTH_TOKEN_URL: 'https://id.example/token', OAUTH_CLIENT_ID: 'aisle', OAUTH_CLIENT_SECRET: 's' }
  t.equal(loadConfig(required).oauth, null)
  t.match(loadConfig({ ...required, ...provider, OAUTH_SCOPE: 'a b' }).oauth, {
    ...{ tokenUrl: 'https://id.example/token', clientId: 'aisle', clientSecret: 's', scope: 'a b', clientAuth: 'basic' }
  })
  for (const name of ['OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET']) {
    t.throws(() => loadConfig({ ...required, ...provider, [name]: '' }), { message: new RegExp(`${name} is required`) })
  }
  for (const url of ['id.example/token', 'ftp://id.example/token', 'https://user:hidden@id.example/token']) {
    const message = /^(?![\s\S]*hidden)[\s\S]*OAUTH_TOKEN_URL must be/
    t.throws(() => loadConfig({ ...required, ...provider, OAUTH_TOKEN_URL: url }), { message }, url)
  }
})

t.test('.env.example names every variable with its default, and changes nothing when it is copied', async (t) => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  t.notMatch(example, /^[A-Z]/m, 'all of it is commented out')
  const shown = Object.fromEntries(
    [...example.matchAll(/^#([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  )
  const known = Object.keys(Environment.properties)
  t.same(Object.keys(shown).sort(), known.sort())
  const {
    mysql: _mysql,
    redis: _redis,
    ...fromExample
  } = loadConfig({ ...shown, ...required, DB_SSL_CA: '', DB_SOCKET: '' })
  const { mysql: _m, redis: _r, ...defaults } = loadConfig(required)
  t.same(fromExample, defaults)
})

t.test('every setting is described, and belongs to one group', async (t) => {
  const grouped = settingGroups.flatMap(({ settings }) => Object.entries(settings))
  t.same(grouped.map(([name]) => name).sort(), Object.keys(Environment.properties).sort())
  for (const [name, { description }] of grouped) t.match(description, /^[A-Z][\s\S]+\.$/, name)
})
