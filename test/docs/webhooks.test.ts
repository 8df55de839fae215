import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { listen } from '../support/exchange.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

const run = promisify(execFile)
const isThere = (program: string) => spawnSync(program, ['--help']).error === undefined
const skip = ['sh', 'curl', 'openssl', 'od'].every(isThere) ? false : 'needs curl and openssl'

/** The code blocks about signatures. */
const page = readFileSync(new URL('../../docs/api/webhooks.md', import.meta.url), 'utf8')
const [, part = ''] = /^## Signatures$([\s\S]*?)^## /m.exec(page) ?? []
const blocks = [...part.matchAll(/^```(sh|js)\n([\s\S]*?)^```$/gm)].map(([, language, code = '']) => ({
  language,
  code
}))
const secrets = blocks.map(({ code }) => /secret ?= ?'?([^\s']+)/.exec(code)?.[1])

t.test('the deliveries of docs/api/webhooks.md are accepted as printed', { skip }, async (t) => {
  const config = await testConfig(t, { WEBHOOK_SECRET: secrets.join(','), WEBHOOK_WORKER: 'false' })
  const connection = await testConnection(t, config)
  const url = await listen(await testApp(t, config))
  t.same(
    blocks.map(({ language }) => language),
    ['sh', 'sh', 'js']
  )
  const outputs = []
  for (const { language, code } of blocks) {
    const here = code.replaceAll('http://127.0.0.1:3000', url)
    const [program, args] =
      language === 'sh' ? ['sh', ['-ec', here]] : [process.execPath, ['--input-type=module', '-e', here]]
    outputs.push((await run(program, args)).stdout)
  }
  t.match(outputs, [
    /"status":"accepted","eventId":"evt_0042".*"status":"duplicate","eventId":"evt_0042"/s,
    /"status":"accepted","eventId":"evt_0043"/,
    /200 .*"status":"accepted","eventId":"evt_0044"/
  ])
  const [rows] = await connection.query<RowDataPacket[]>('SELECT scheme FROM webhook_events ORDER BY event_id')
  t.same(
    rows.map(({ scheme }) => scheme),
    ['plain', 'standard', 'standard']
  )
})
