import { readFileSync } from 'node:fs'
import t from 'tap'
import { listen } from './support/exchange.ts'
import { makeKey } from './support/make-key.ts'
import { testApp } from './support/test-app.ts'
import { testConfig, testConnection } from './support/test-config.ts'

const config = await testConfig(t)
const base = await listen(await testApp(t, config))
const { key } = await makeKey(await testConnection(t, config), { scopes: ['products:write'] })

interface Request {
  title: string
  method: string
  url: string
  headers: Record<string, string>
  payload: string
}

/** As the editors read it: variables, and requests with a line of `#` before each. */
function readRequests(text: string): Request[] {
  const [head = '', ...parts] = text.split(/^### /m)
  const variables = new Map(
    [...head.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const)
  )
  variables.set('key', key)
  const fill = (text: string): string =>
    text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => fill(variables.get(name) ?? `no ${name}`))
  return parts.map((part) => {
    const [title = '', ...lines] = fill(part).split('\n')
    const [request = '', ...rest] = lines
    const end = rest.indexOf('')
    const [method = '', url = ''] = request.split(' ')
    const headers = rest.slice(0, end).map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    return {
      title,
      method,
      url,
      headers: Object.fromEntries(headers),
      payload: rest
        .slice(end + 1)
        .join('\n')
        .trim()
    }
  })
}

t.test('the requests to try are answered as they stand, one after the other', async (t) => {
  const requests = readRequests(readFileSync('requests.http', 'utf8'))
  t.ok(requests.length > 10)
  for (const { title, method, url, headers, payload } of requests) {
    const { pathname, search } = new URL(url)
    const answer = await fetch(base + pathname + search, { method, headers, ...(payload !== '' && { body: payload }) })
    const text = await answer.text()
    t.ok(answer.ok, `${title}: ${answer.status} ${text.slice(0, 300)}`)
  }
})
