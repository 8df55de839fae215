import { createServer } from 'node:http'

const answer = Buffer.from('{"sku":"SKU-1","available":42,"updatedAt":"2026-01-01T00:00:00.000Z"}')
const head = { 'content-type': 'application/json', 'content-length': answer.length }

let attempts = 0

createServer(({ url }, response) => {
  if (url === '/failing') {
    attempts++
    response.writeHead(503).end()
  } else if (url === '/attempts') response.writeHead(200, { 'content-type': 'application/json' }).end(`${attempts}`)
  else response.writeHead(200, head).end(answer)
}).listen(0, '127.0.0.1')
