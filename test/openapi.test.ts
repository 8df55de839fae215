import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { testApp } from './support/test-app.ts'

const ROOT = join(import.meta.dirname, '..')
const app = await testApp(t)

t.test('the committed document is the one that is served', async (t) => {
  const committed = JSON.parse(await readFile(join(ROOT, 'openapi.json'), 'utf8'))
  t.same((await app.inject('/openapi.json')).json(), committed, 'run `npm run openapi`')
})

t.test('a linter finds nothing in it', async (t) => {
  const redocly = join(ROOT, 'node_modules/@redocly/cli/bin/cli.js')
  const { stderr } = await promisify(execFile)(
    process.execPath,
    [redocly, 'lint', 'openapi.json', '--max-problems=0'],
    {
      cwd: ROOT,
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    }
  )
  t.match(stderr, /Your API description is valid/)
})

t.test('every operation has an id, a summary, and problems for what can go wrong', async (t) => {
  const document = (await app.inject('/openapi.json')).json()
  t.equal(document.openapi, '3.1.1')
  const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((path) => Object.values(path))
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { operationId, summary, responses } of operations) {
    t.ok(summary, operationId)
    const problems = Object.entries(responses).filter(([status]) => status.startsWith('4'))
    t.ok(problems.length > 0, operationId)
    for (const [, response] of problems) t.ok(response.content?.['application/problem+json'], operationId)
  }
  t.same(Object.keys(document.components.schemas).sort(), [
    'Availability',
    'BulkDelete',
    'BulkEnd',
    'BulkFailure',
    'BulkResult',
    'BulkUpsert',
    'Facets',
    'Health',
    'Liveness',
    'Pagination',
    'Problem',
    'Product',
    'ProductChange',
    'ProductChangePage',
    'ProductCreatedEvent',
    'ProductDeletedEvent',
    'ProductInput',
    'ProductPage',
    'ProductPatch',
    'ProductPriceChangedEvent',
    'ProductStockChangedEvent',
    'ProductUpdatedEvent',
    'ServiceIndex',
    'StockAdjustment',
    'StoredWebhookEvent',
    'StoredWebhookEventDetails',
    'StoredWebhookEventPage',
    'WebhookEvent',
    'WebhookReceipt',
    'WebhookReplay',
    'WebhookReplayResult'
  ])
})

interface Operation {
  operationId: string
  summary?: string
  responses: Record<string, { content?: Record<string, unknown> }>
}
