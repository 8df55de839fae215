import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { AppError } from '../../src/platform/errors/app-error.ts'
import { openRoutes } from '../support/open-routes.ts'
import { testConfig } from '../support/test-config.ts'

const app = await buildApp(await testConfig(t))
t.teardown(() => app.close())
openRoutes(app)
app.post('/echo', { bodyLimit: 100 }, async ({ body }) => body ?? null)
app.post(
  '/typed',
  {
    schema: {
      body: {
        type: 'object',
        required: ['name'],
        additionalProperties: false,
        properties: { name: { type: 'string', minLength: 2 }, tags: { type: 'array', items: { type: 'integer' } } }
      }
    }
  },
  async () => 'ok'
)
app.get('/fails/:how', async ({ params }) => {
  const { how } = params as { how: string }
  if (how === 'known') throw new AppError('overloaded', 'Too much.', { retryAfterSeconds: 3 })
  if (how === 'nothing') throw null
  if (how === 'teapot') throw Object.assign(new Error('SELECT secret FROM t'), { statusCode: 418 })
  throw new Error("You have an error in your SQL syntax near 'password'")
})
await app.ready()

t.test('every answer to a fault is a problem of the same form', async (t) => {
  const cases = [
    [{ url: '/nothing/here?x=1' }, 404, 'route-not-found', '/nothing/here'],
    [{ url: '/api/v1/products/a/b' }, 404, 'route-not-found', '/api/v1/products/a/b'],
    [{ method: 'DELETE', url: '/api/v1/products' }, 405, 'method-not-allowed', '/api/v1/products'],
    [{ method: 'PROPFIND', url: '/api/v1/products' }, 405, 'method-not-allowed', '/api/v1/products'],
    [{ method: 'POST', url: '/health/liveness' }, 405, 'method-not-allowed', '/health/liveness'],
    [
      { method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' }, payload: '{"a":' },
      400,
      'malformed-json',
      '/echo'
    ],
    [
      { method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' }, payload: '' },
      400,
      'malformed-json',
      '/echo'
    ],
    [
      { method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' }, payload: '{"__proto__":{}}' },
      400,
      'malformed-json',
      '/echo'
    ],
    [
      { method: 'POST', url: '/echo', headers: { 'content-type': 'text/csv' }, payload: 'a,b' },
      415,
      'unsupported-media-type',
      '/echo'
    ],
    [{ method: 'POST', url: '/echo', payload: { long: 'x'.repeat(200) } }, 413, 'payload-too-large', '/echo'],
    [{ url: '/api/v1/%zz' }, 400, 'malformed-request', '/api/v1/%zz'],
    [{ url: `/api/v1/products/${'x'.repeat(5000)}` }, 414, 'uri-too-long', `/api/v1/products/${'x'.repeat(5000)}`],
    [{ url: '/fails/known' }, 503, 'overloaded', '/fails/known'],
    [{ url: '/fails/nothing' }, 500, 'internal-error', '/fails/nothing'],
    [{ url: '/fails/teapot' }, 500, 'internal-error', '/fails/teapot'],
    [{ url: '/fails/otherwise' }, 500, 'internal-error', '/fails/otherwise']
  ] as const
  for (const [request, status, code, instance] of cases) {
    const response = await app.inject(request)
    const problem = response.json()
    t.equal(response.statusCode, status, code)
    t.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8')
    t.match(problem, {
      type: `urn:aisle:problem:${code}`,
      status,
      code,
      instance,
      requestId: response.headers['x-request-id']
    })
    t.type(problem.title, 'string')
    t.notMatch(response.body, /SQL|secret|SELECT|at .*\.ts|node_modules/, 'says nothing of the inside')
  }
})

t.test('a wrong method is told the right ones', async (t) => {
  const response = await app.inject({ method: 'DELETE', url: '/api/v1/products' })
  t.equal(response.headers.allow, 'GET, HEAD, POST')
})

t.test('a fault of the moment says when to try again', async (t) => {
  t.equal((await app.inject('/fails/known')).headers['retry-after'], '3')
})

t.test('faults of a body are pointed at', async (t) => {
  const response = await app.inject({
    method: 'POST',
    url: '/typed',
    payload: { name: 'x', tags: [1, 'two'], 'a/b': 1 }
  })
  t.same(
    response
      .json()
      .errors.map(({ pointer }: { pointer: string }) => pointer)
      .sort(),
    ['#/a~1b', '#/name', '#/tags/1']
  )
  t.match((await app.inject({ method: 'POST', url: '/typed', payload: {} })).json().errors, [
    { pointer: '#/name', detail: 'is required' }
  ])
})
