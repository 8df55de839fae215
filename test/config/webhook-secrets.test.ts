import t from 'tap'
import { loadConfig } from '../../src/config/config.ts'
import { readSecrets } from '../../src/config/webhook-secrets.ts'

t.test('secrets are base64 after whsec_, text otherwise', async (t) => {
  t.same(readSecrets(['whsec_AAEC/w==', 'whsec_AAEC/w', 'sécret']), [
    Buffer.from([0, 1, 2, 255]),
    Buffer.from([0, 1, 2, 255]),
    Buffer.from('sécret')
  ])
  for (const wrong of ['whsec_', 'whsec_a', 'whsec_ab-_', 'whsec_ab==cd']) {
    t.throws(() => readSecrets(['right', wrong]), { message: /WEBHOOK_SECRET.*secret 2/ }, wrong)
  }
})

t.test('short secrets are a warning, and messages do not show secrets', async (t) => {
  const load = (WEBHOOK_SECRET: string) =>
    loadConfig({ DB_HOST: 'db', DB_USER: 'aisle', DB_NAME: 'aisle', REDIS_URL: 'redis://cache', WEBHOOK_SECRET })
  const long = 'x'.repeat(24)
  t.same(load(`${long}, whsec_${Buffer.from(long).toString('base64')}`).warnings, [])
  const { warnings, webhooks } = load(`${long},short`)
  t.match(warnings, [/^WEBHOOK_SECRET: secret 2 has 5 bytes/])
  t.same(webhooks.secrets, [Buffer.from(long), Buffer.from('short')])
  t.throws(() => load('whsec_!hidden!'), {
    name: 'ConfigError',
    message: /^(?=[\s\S]*WEBHOOK_SECRET)(?![\s\S]*hidden)/
  })
})
