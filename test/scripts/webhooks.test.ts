import t from 'tap'
import { runScript } from '../support/run-script.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { insertEvents, statuses } from '../support/webhook-inbox.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const webhooks = (...args: string[]) => runScript(t, config, 'webhooks', args)

t.beforeEach(async () => {
  await connection.query('TRUNCATE TABLE webhook_events')
  const types = ['product.created', 'product.deleted', 'product.deleted', 'product.deleted']
  await insertEvents(
    connection,
    types.map((type, number) => ({ id: `e${number + 1}`, type, data: { sku: 'TEA' } }))
  )
  await connection.query("UPDATE webhook_events SET status = 'dead', last_error = 'no room' WHERE id < 4")
})

t.test('list prints events, the latest arrival first', async (t) => {
  const { status, stdout } = await webhooks('list')
  t.equal(status, 0)
  const lines = stdout.trimEnd().split('\n')
  t.same(
    lines.map((line) => line.split('\t').slice(0, 4)),
    [
      ['4', 'pending', 'product.deleted', 'e4'],
      ['3', 'dead', 'product.deleted', 'e3'],
      ['2', 'dead', 'product.deleted', 'e2'],
      ['1', 'dead', 'product.created', 'e1']
    ]
  )
  t.match(lines[1]?.split('\t').slice(4), [/^received 20.*Z$/, '0 attempts', 'no room'])
  const filtered = await webhooks('list', '--status', 'dead', '--type', 'product.deleted', '--limit', '1')
  t.match(filtered.stdout, /^3\t.*\n$/)
  t.match(await webhooks('list', '--type', 'order.paid'), {
    status: 0,
    stdout: '',
    stderr: /^No events match/
  })
})

t.test('show prints an event, and replay makes it pending', async (t) => {
  const shown = await webhooks('show', '1')
  t.match(JSON.parse(shown.stdout), { id: '1', body: { id: 'e1', data: { sku: 'TEA' } }, lastError: 'no room' })
  t.match(await webhooks('replay', '1'), { status: 0, stdout: /^1\tpending\tproduct\.created\t/ })
  t.match(await webhooks('replay', '1'), { status: 1, stdout: '', stderr: /^The event is pending/ })
  t.match(await webhooks('show', '99'), { status: 1, stdout: '', stderr: /^There is no webhook event 99/ })
})

t.test('replay --type replays all dead events of a type', async (t) => {
  t.match(await webhooks('replay', '--type', 'product.deleted'), { status: 0, stdout: '2 events are pending again.\n' })
  t.same(await statuses(connection), { dead: 1, pending: 3 })
})

t.test('wrong arguments end with status 2 and a reason', async (t) => {
  const calls = [
    [],
    ['look'],
    ['list', '1'],
    ['list', '--status', 'gone'],
    ['list', '--limit', '0'],
    ['list', '--type', 'a b'],
    ['show'],
    ['show', 'e1'],
    ['show', '1', '2'],
    ['show', '1', '--type', 'a'],
    ['replay'],
    ['replay', '1', '--type', 'a'],
    ['replay', '1', '--limit', '5']
  ]
  const results = await Promise.all(calls.map((args) => webhooks(...args)))
  for (const [index, { status, stdout, stderr }] of results.entries()) {
    t.same([status, stdout], [2, ''], `${calls[index]}`)
    t.match(stderr, /Usage: npm run webhooks/)
  }
})
