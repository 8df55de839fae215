import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface FaultProxy {
  readonly host: string
  readonly port: number
  /** How many clients are connected. */
  readonly connections: number
  /** How many chunks clients have sent; a small request is one. */
  readonly chunks: number
  /** What arrives is passed on, and so is what was held back. This is how it begins. */
  pass(): void
  /** Clients can connect, and nothing comes back: a server that was stopped, or a network that drops everything. */
  stall(): void
  /** What arrives is passed on so much later, in each direction. */
  delay(ms: number): void
  /** Connections are refused, and open ones are reset: a server that was killed. */
  refuse(): Promise<void>
  /** Nobody is connected any longer, and anybody may connect again: a server that ended idle connections. */
  disconnect(): void
  /** Resets a connection instead of passing on a chunk of its client's that matches. */
  cutAt(matches: (chunk: Buffer) => boolean): void
  /** Passes on a chunk that matches, and lets nothing come back on that connection: a server that gets no work done. */
  muteAt(matches: (chunk: Buffer) => boolean): void
}

interface Pair {
  client: Socket
  server: Socket
}

const HOST = '127.0.0.1'
const NEVER = (_chunk: Buffer) => false

/** Starts a TCP proxy that does damage, closed with the test. */
export async function faultProxy(t: Test, target: NetConnectOpts): Promise<FaultProxy> {
  const pairs = new Set<Pair>()
  let port = 0
  let chunks = 0
  let delayMs = 0
  let isStalled = false
  let isCutOff = NEVER
  let isMuted = NEVER

  const listener = createServer(accept)
  const listen = () => new Promise<void>((resolve) => listener.listen(port, HOST, resolve))
  await listen()
  const address = listener.address()
  if (address !== null && typeof address === 'object') port = address.port
  t.teardown(() => proxy.refuse())

  function accept(client: Socket) {
    const pair = { client, server: connect(target) }
    pairs.add(pair)
    client.on('data', (chunk) => {
      chunks++
      if (isCutOff(chunk)) cut(pair)
      if (isMuted(chunk)) pair.server.pause()
    })
    forward(client, pair.server)
    forward(pair.server, client)
    for (const socket of [client, pair.server]) {
      socket.on('error', () => cut(pair)).on('close', () => cut(pair))
      if (isStalled) socket.pause()
    }
  }

  function forward(from: Socket, to: Socket) {
    const later = (pass: () => void) => (delayMs > 0 ? setTimeout(pass, delayMs) : pass())
    from.on('data', (chunk) => later(() => to.writable && to.write(chunk)))
    from.on('end', () => later(() => to.end()))
  }

  function cut(pair: Pair) {
    if (!pairs.delete(pair)) return
    // Node never gets rid of a socket that is reset after it was ended.
    if (pair.client.writableEnded) pair.client.destroy()
    else pair.client.resetAndDestroy()
    pair.server.destroy()
  }

  const sockets = () => [...pairs].flatMap(({ client, server }) => [client, server])
  const proxy: FaultProxy = {
    host: HOST,
    get port() {
      return port
    },
    get connections() {
      return pairs.size
    },
    get chunks() {
      return chunks
    },
    pass() {
      isStalled = false
      delayMs = 0
      isCutOff = NEVER
      isMuted = NEVER
      for (const socket of sockets()) socket.resume()
      if (!listener.listening) listener.listen(port, HOST)
    },
    stall() {
      isStalled = true
      for (const socket of sockets()) socket.pause()
    },
    delay(ms) {
      delayMs = ms
    },
    async refuse() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      pairs.forEach(cut)
      await closed
    },
    disconnect() {
      for (const { client } of pairs) client.end()
    },
    cutAt(matches) {
      isCutOff = matches
    },
    muteAt(matches) {
      isMuted = matches
    }
  }
  return proxy
}
