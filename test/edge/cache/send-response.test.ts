import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import {
  canSetHeads,
  createResponseSender,
  ReadyResponse,
  type ResponseHead
} from '../../../src/edge/cache/send-response.ts'
import { createHeaderBlock } from '../../../src/platform/http/header-fields.ts'
import { exchange } from '../../support/exchange.ts'

const BODY = Buffer.from('{"data":[]}')
const head: ResponseHead = {
  status: 200,
  blocks: [
    createHeaderBlock(['etag', 'W/"1"', 'content-length', String(BODY.length)]),
    createHeaderBlock(['vary', 'Origin'])
  ],
  fields: ['x-request-id', 'one', 'x-title', 'caf\u00e9'],
  isLast: false
}

async function ask(t: Test, areHeadsSettable: boolean, changes: Partial<ResponseHead> = {}) {
  const server = createServer({ ServerResponse: ReadyResponse, keepAliveTimeout: 7000 }, (_request, response) =>
    send(response, { ...head, ...changes }, changes.status === 304 ? undefined : BODY)
  )
  const send = createResponseSender(server.keepAliveTimeout, areHeadsSettable)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { status, headers, body } = await exchange(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const { date = '', ...others } = headers
  t.equal(new Date(date).toUTCString(), date)
  return { status, headers: others, body: body.toString() }
}

t.test('this version of Node sends a head that is set as text', async (t) => {
  t.equal(canSetHeads(), true)
})

t.test('a ready head is what writeHead writes', async (t) => {
  for (const changes of [{}, { status: 304 as const, blocks: head.blocks.slice(1) }]) {
    const ready = await ask(t, true, changes)
    t.same(ready, await ask(t, false, changes))
    t.match(ready, { status: changes.status ?? 200, headers: { vary: 'Origin', 'keep-alive': 'timeout=7' } })
  }
})

t.test('the last response of a connection closes it', async (t) => {
  const changes = { isLast: true, fields: [...head.fields, 'connection', 'close'] }
  t.match(await ask(t, true, changes), {
    headers: { connection: 'close', 'x-request-id': 'one' },
    body: String(BODY)
  })
})
