import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t from 'tap'
import { createConnectionCloser } from '../../../src/platform/lifecycle/lifecycle.ts'
import { waitFor } from '../../support/wait-for.ts'

t.test('a client that stops in the middle of its request delays the end for a limited time', async (t) => {
  const received: Socket[] = []
  const timers: { call: () => void; delayMs: number }[] = []
  const server = createServer()
  server.on('connection', (socket) => received.push(socket))
  const closeConnections = createConnectionCloser(server, (call, delayMs) => timers.push({ call, delayMs }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [halfSent, inAdvance] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  for (const socket of [halfSent, inAdvance]) socket.on('error', () => {})
  halfSent.write('GET / HTTP/1.1\r\nHost:')
  await waitFor('half of a request arrives', () => {
    return received.length === 2 && received.some(({ bytesRead }) => bytesRead > 0)
  })

  closeConnections()
  const closed = once(server, 'close')
  server.close()
  await once(inAdvance, 'close')
  t.equal(server.listening, false)
  t.equal(halfSent.destroyed, false, 'it may still send the rest')
  t.match(timers, [{ delayMs: 12_000 }])
  timers[0]?.call()
  await closed
  t.equal(timers.length, 1)
})
