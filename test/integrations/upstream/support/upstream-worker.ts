import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** An upstream in a thread of its own, which goes on while its client is blocked. It tells its port, and then each request. */
const server = createServer((_, response) => {
  parentPort?.postMessage('request')
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"sku":"A-1","available":7}')
  }, workerData.answerMs)
})
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port))
