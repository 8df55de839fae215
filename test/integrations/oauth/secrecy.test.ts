import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { buildApp } from '../../../src/app.ts'
import { startSupplier } from '../../../tools/supplier-simulator/start-supplier.ts'
import { testConfig } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const FAULTS = { basic: ['reset', 'malformed'], post: ['truncated-body', 'status'] } as const

t.test('no secret and no token is in a log, an error, a metric, or Redis', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aisle-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const supplier = await startSupplier({ products: 10 })
  t.teardown(() => supplier.close())
  const { clientId, clientSecret, tokenUrl, faults } = supplier
  const outputs: string[] = []
  const secrets = new Set([
    clientSecret,
    Buffer.from(clientSecret).toString('base64').slice(0, -4),
    Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  ])

  for (const [OAUTH_CLIENT_AUTH, kinds] of Object.entries(FAULTS)) {
    const config = await testConfig(t, {
      ...{ OAUTH_TOKEN_URL: tokenUrl, OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret, OAUTH_CLIENT_AUTH },
      ...{ LOG_LEVEL: 'trace', LOG_FILE_PATH: join(folder, `${OAUTH_CLIENT_AUTH}.log`) }
    })
    const app = await buildApp(config)
    await app.ready()
    const { authToken } = app
    if (authToken === null) throw new Error('it is configured')
    const keys = async (pattern: string) => {
      const names = await app.redis.keys(config.redis.keyPrefix + pattern)
      return names.map((name) => name.slice(config.redis.keyPrefix.length))
    }
    const forgetFailure = async () => {
      for (const name of await keys('token:*:lock')) await app.redis.del(name)
    }
    const attempt = async () => {
      const token = await authToken.get()
      secrets.add(token)
      await authToken.invalidate(token)
      app.log.info({ headers: { authorization: `Bearer ${token}` } }, 'a request')
    }
    const failed = async (kind: string) => {
      const struck = () => supplier.counters().faults[kind] ?? 0
      const before = struck()
      const error = await waitFor('the pause after the last failure is over', async () => {
        await forgetFailure()
        const error = await attempt().catch((error) => error)
        return struck() > before && error
      })
      t.match(error, { name: 'TokenError' }, kind)
      app.log.error({ err: error }, 'no token')
      outputs.push(inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error))
    }

    secrets.add(await authToken.get())
    for (const name of await keys('token:*')) {
      const isToken = (await app.redis.type(name)) === 'hash'
      outputs.push(JSON.stringify([name, isToken ? await app.redis.hgetall(name) : await app.redis.get(name)]))
    }
    await attempt()
    for (const kind of kinds) {
      faults.set([{ path: '/oauth', kind, ...(kind === 'status' && { status: 401 }) }])
      await failed(kind)
    }
    faults.set([])
    outputs.push(await app.metrics.exposition())
    await app.close()
  }

  for (const file of readdirSync(folder)) outputs.push(readFileSync(join(folder, file), 'utf8'))
  const all = outputs.join('\n')
  t.match(all, /"sealed":"[^"]{40}/)
  t.match(all, /The token provider does not answer/)
  t.match(all, /aisle_token_fetches_total\{outcome="issued"\} 1/)
  t.match(all, /"authorization":"\[redacted\]"/)
  t.ok(secrets.size > 3)
  for (const secret of secrets) t.notOk(all.includes(secret), 'not there')
})
