import t from 'tap'
import { listen } from '../http/support/exchange.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { PRODUCTS, writeClient } from './support/write-client.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const [here, there] = [await listen(await testApp(t, config)), await listen(await testApp(t, config))]
const [send, sendThere] = [await writeClient(connection, here), await writeClient(connection, there)]
/** A second, and as much for a busy machine: what is later than a second is measured in test/cache. */
const SOON_MS = 2000

t.test('each write is read at once where it was made, and soon elsewhere', async (t) => {
  const made = await send('POST', PRODUCTS, { sku: 'OWN-1', name: 'Tea', price: 1, stock: 100 })
  const path = `${PRODUCTS}/${made.json.id}`
  const LIST = `${PRODUCTS}?category=Own`
  const readTag = async (client: typeof send) => (await client('GET', path)).headers.get('etag')
  const listed = async (client: typeof send) => {
    const page = JSON.parse((await client('GET', LIST)).text)
    return page.data.map(({ price }: { price: string }) => price).join()
  }
  for (let round = 1; round <= 5; round++) {
    const writes = [
      await send('PATCH', path, { price: round, category: 'Own' }),
      await send('POST', `${path}/stock-adjustments`, { delta: -1 }),
      await send('PUT', path, { sku: 'OWN-1', name: 'Tea', price: round, category: 'Own', stock: 50 - round })
    ]
    const [last] = writes.slice(-1)
    t.equal(await readTag(send), last?.headers.get('etag'), `round ${round}`)
    await waitFor('the other one shows it', SOON_MS, async () => (await readTag(sendThere)) === (await readTag(send)))
    for (const client of [send, sendThere])
      await waitFor('lists show it', SOON_MS, async () => (await listed(client)) === `${round}.00`)
  }
  for (let round = 0; round < 20; round++) {
    await readTag(send)
    const { headers } = await send('POST', `${path}/stock-adjustments`, { delta: 1 })
    t.equal(await readTag(send), headers.get('etag'), 'right after the write')
  }
  await send('DELETE', path)
  t.equal((await send('GET', path)).status, 404)
  await waitFor('it is gone elsewhere', SOON_MS, async () => (await sendThere('GET', path)).status === 404)
  await waitFor('lists are empty', SOON_MS, async () => (await listed(send)) === '' && (await listed(sendThere)) === '')
})

t.test('of those who write on one version on two instances, one does', async (t) => {
  const made = await send('POST', PRODUCTS, { name: 'Tea', price: 1 })
  const path = `${PRODUCTS}/${made.json.id}`
  const headers = { 'if-match': made.headers.get('etag') ?? '' }
  const answers = await Promise.all(
    [send, sendThere, send, sendThere].map((client, at) => client('PATCH', path, { stock: at + 1 }, { headers }))
  )
  t.same(answers.map(({ status }) => status).sort(), [200, 412, 412, 412])
})
