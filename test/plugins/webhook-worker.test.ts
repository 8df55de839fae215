import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { deliverUntilRecorded, SECRET } from '../support/deliver-webhook.ts'
import { listen } from '../support/exchange.ts'
import { toEnvironment } from '../support/service.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { inbox, insertEvents, statuses } from '../support/webhook-inbox.ts'

const LIST = '/api/v1/products'
const WORKER = join(import.meta.dirname, '../../scripts/worker.ts')

const event = (id: string, type: string, second: number, data: object) => ({
  id,
  type,
  occurredAt: `2026-01-01T00:00:0${second}.000Z`,
  data: { sku: 'TEA', ...data }
})
const made = event('e1', 'product.created', 1, { name: 'Tea', price: 1 })

t.test('the effect of an event appears in responses, cached or not', async (t) => {
  const app = await testApp(t, await testConfig(t, { WEBHOOK_SECRET: SECRET }))
  const url = await listen(app)
  const list = async () => (await app.inject(LIST)).json().data
  t.same(await list(), [])
  await deliverUntilRecorded(() => url, made)
  const [product] = await waitFor('it is in the list', async () => {
    const data = await list()
    return data.length > 0 && data
  })
  const detail = `${LIST}/${product.id}`
  t.match((await app.inject(detail)).json(), { sku: 'TEA', price: '1.00' })
  await deliverUntilRecorded(() => url, event('e2', 'product.price_changed', 2, { price: 2 }))
  await waitFor('its price is new', async () => (await app.inject(detail)).json().price === '2.00')
  await waitFor('the list has it, too', async () => (await list())[0].price === '2.00')
  await deliverUntilRecorded(() => url, event('e3', 'product.deleted', 3, {}))
  await waitFor('it is gone', async () => (await app.inject(detail)).statusCode === 404)
  await waitFor('the list has it, too', async () => (await list()).length === 0)
  const { body } = await app.inject('/metrics')
  t.match(body, /^aisle_webhooks_processed_total\{status="done"\} 3$/m)
  t.match(body, /^aisle_webhooks_batch_duration_seconds_count [1-3]$/m)
  t.match(body, /^aisle_webhooks_processing_seconds_count 3$/m)
})

t.test('an instance without a worker leaves events to a separate worker', async (t) => {
  const config = await testConfig(t, { WEBHOOK_SECRET: SECRET, WEBHOOK_WORKER: 'false' })
  const connection = await testConnection(t, config)
  const url = await listen(await testApp(t, config))
  await deliverUntilRecorded(() => url, made)
  const worker = spawn(process.execPath, [WORKER], {
    env: { ...process.env, ...toEnvironment(config), LOG_LEVEL: 'info' }
  })
  t.teardown(() => worker.kill('SIGKILL'))
  let output = ''
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  await waitFor('the worker has started', () => output.includes('applying webhooks'))
  await insertEvents(connection, [event('e2', 'product.price_changed', 2, { price: 2 })])
  await waitFor('both events are done', async () => (await statuses(connection)).done === 2)
  t.match(await inbox(connection), [{ attempts: 1 }, { attempts: 1 }])
  worker.kill('SIGTERM')
  t.same(await once(worker, 'exit'), [0, null], output)
})
