import { hash } from 'node:crypto'
import t from 'tap'
import packageJson from '../../package.json' with { type: 'json' }
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

const app = await testApp(t)

t.test('JSON clients get an index, of which every link works', async (t) => {
  for (const accept of [undefined, '*/*', 'application/json']) {
    const response = await app.inject({ url: '/', headers: { ...(accept && { accept }) } })
    t.equal(response.statusCode, 200)
    t.match(response.headers['content-type'], 'application/json')
    t.match(response.headers.vary, /\bAccept\b/)
    const { name, version, links } = response.json()
    t.same({ name, version }, { name: 'Aisle', version: packageJson.version })
    for (const path of Object.values<string>(links)) t.equal((await app.inject(path)).statusCode, 200, path)
  }
})

t.test('browsers get a page, of which every link works', async (t) => {
  const response = await app.inject({ url: '/', headers: { accept: BROWSER } })
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'text/html; charset=utf-8')
  t.match(response.body, packageJson.version)
  t.notMatch(response.body, '{version}')
  const links = [...response.body.matchAll(/href="([^"]+)"/g)].map(([, path = '']) => path.replaceAll('&amp;', '&'))
  t.ok(links.length >= 6)
  for (const path of links) {
    t.match(path, /^\//, 'a path of this server')
    t.equal((await app.inject(path)).statusCode, 200, path)
  }
})

t.test('the page loads and runs nothing, but for its own style', async (t) => {
  const { headers, body } = await app.inject({ url: '/', headers: { accept: BROWSER } })
  const policy = String(headers['content-security-policy'])
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(body) ?? []
  t.ok(policy.startsWith("default-src 'none'; "))
  t.ok(policy.includes(`style-src 'sha256-${hash('sha256', style, 'base64')}';`))
  t.notMatch(policy, /unsafe|https?:|\*/)
  t.notMatch(body, /<script|<link|<img|<iframe|style="|\son[a-z]+=|src=/)
})

t.test('the rest is as everywhere', async (t) => {
  t.equal((await app.inject({ url: '/', method: 'POST' })).statusCode, 405)
  const unknown = await app.inject('/?page=2')
  t.equal(unknown.statusCode, 400)
  t.same(unknown.json().errors, [{ parameter: 'page', detail: 'is not a known parameter' }])
  t.equal((await app.inject({ url: '/', method: 'HEAD' })).body, '')

  const closed = await testApp(t, await testConfig(t, { PUBLIC_READ: 'false', CORS_ORIGINS: 'https://shop.example' }))
  const response = await closed.inject('/')
  t.equal(response.statusCode, 200, 'also where reading needs a key')
  t.equal(response.headers.vary, 'Accept, Origin')
})
