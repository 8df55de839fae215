import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * An upstream in a thread of its own, which works while its client is blocked. It posts its port, then one message for each
 * request. When it gets a message it answers all requests, then sets `isAnswered`.
 */
const responses: ServerResponse[] = []
const server = createServer((_, response) => {
  responses.push(response.writeHead(200, { 'content-type': 'application/json' }))
  parentPort?.postMessage('request')
})
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))

parentPort?.on('message', async () => {
  const ends = responses.map((response) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    response.end('{"sku":"A-1","available":7}', resolve)
    return promise
  })
  await Promise.all(ends)
  Atomics.store(workerData.isAnswered, 0, 1)
  Atomics.notify(workerData.isAnswered, 0)
})
