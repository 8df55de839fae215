import t from 'tap'
import { makeKey } from '../support/make-key.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

const ID = '00000000-0000-7000-8000-000000000000'

const config = await testConfig(t)
const app = await testApp(t, config)
const { key } = await makeKey(await testConnection(t, config), {
  scopes: ['products:write', 'webhooks:admin', 'ops:read']
})

interface Operation {
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> }
}

const document = (await app.inject('/openapi.json')).json()

/** What a client could send as the body. */
function bodyOf({ requestBody }: Operation): { payload: string; contentType: string } | undefined {
  const [content] = Object.entries(requestBody?.content ?? {})
  if (content === undefined) return undefined
  const [contentType, { schema }] = content
  const { examples } = document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? {}
  return { contentType, payload: JSON.stringify(examples?.[0] ?? {}) }
}

t.test('no operation takes a query parameter that it does not know', async (t) => {
  for (const [path, operations] of Object.entries<Record<string, Operation>>(document.paths)) {
    if (/^\/(health|metrics)/.test(path)) continue
    for (const [method, operation] of Object.entries(operations)) {
      const body = bodyOf(operation)
      const answer = await app.inject({
        method: method.toUpperCase() as 'GET',
        url: `${path.replace(/\{[^}]+\}/g, ID)}?wat=1`,
        headers: { 'x-api-key': key, ...(body && { 'content-type': body.contentType }) },
        ...(body && { payload: body.payload })
      })
      t.equal(answer.statusCode, 400, `${method} ${path}`)
      t.same(answer.json().errors, [{ parameter: 'wat', detail: 'is not a known parameter' }], `${method} ${path}`)
    }
  }
})

t.test('probes are answered whatever they add', async (t) => {
  for (const url of ['/health', '/health/liveness', '/health/readiness', '/metrics']) {
    t.equal((await app.inject({ url: `${url}?t=1`, headers: { 'x-api-key': key } })).statusCode, 200, url)
  }
})

t.test('files of the reference page are not ours to refuse', async (t) => {
  t.equal((await app.inject('/docs/static/swagger-ui.css?v=1')).statusCode, 200)
})
