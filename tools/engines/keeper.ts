/*
 * The keeper of the private engines: a process of its own, in a session of its own, that runs them for as long as
 * anybody holds a connection to its control socket. A command that is killed lets go like one that ends.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from './instance.ts'
import { controlSocketOf, makeRuntimeFolder, removeRuntimeFolder } from './instance.ts'
import { takeLock } from './keeper-lock.ts'
import type { KeeperMessage } from './keeper-message.ts'
import { sendMessage } from './keeper-message.ts'
import type { RunningEngine } from './start-engine.ts'
import { startEngine } from './start-engine.ts'

const LOCK_TIMEOUT_MS = 30_000
const LOCK_POLL_MS = 30
const FIRST_HOLDER_TIMEOUT_MS = 30_000

const instance: Instance = JSON.parse(process.argv[2] ?? '')
const holders = new Set<Socket>()
const leaving = new Set<Socket>()
const closing = new AbortController()
let outcome: KeeperMessage | undefined

// Held until this process ends, however it ends.
const lock = await waitForLock()
if (lock !== undefined) await keep()
process.exit()

async function keep(): Promise<void> {
  makeRuntimeFolder(instance)
  const server = createServer({ allowHalfOpen: true }, welcome).listen(controlSocketOf(instance))
  setTimeout(closeUnlessHeld, FIRST_HOLDER_TIMEOUT_MS)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => closing.abort())
  const closed = once(closing.signal, 'abort')

  const engines = await startEngines()
  await closed
  server.close()
  await Promise.all(engines.map((engine) => engine.stop()))
  removeRuntimeFolder(instance)
  await Promise.all([...holders, ...leaving].map((socket) => new Promise<void>((resolve) => socket.end(resolve))))
}

function welcome(socket: Socket): void {
  holders.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('end', () => letGo(socket))
  socket.on('close', () => letGo(socket))
  socket.resume()
  if (outcome !== undefined) sendMessage(socket, outcome)
}

/** Whoever goes last learns from the end of the connection that the engines are down. */
function letGo(socket: Socket): void {
  if (!holders.delete(socket)) return
  if (holders.size > 0) {
    socket.end()
  } else {
    leaving.add(socket)
    closing.abort()
  }
}

function closeUnlessHeld(): void {
  if (holders.size === 0) closing.abort()
}

/** Both at once; none when one of them can't be started. */
async function startEngines(): Promise<RunningEngine[]> {
  const context = { instance, report: reportStep, signal: closing.signal }
  const [database, redis] = await Promise.allSettled([startEngine('database', context), startEngine('redis', context)])
  if (database.status === 'fulfilled' && redis.status === 'fulfilled') {
    const engines = [database.value, redis.value]
    for (const engine of engines) engine.onLost = () => broadcast({ type: 'lost', label: engine.label })
    tell({ type: 'ready', database: database.value.address, redis: redis.value.address })
    return engines
  }
  for (const result of [database, redis]) {
    if (result.status === 'fulfilled') await result.value.stop()
    else tell({ type: 'failed', message: describe(result.reason) })
  }
  return []
}

function describe(reason: unknown): string {
  console.error(reason)
  return reason instanceof Error ? reason.message : String(reason)
}

function reportStep(label: string, elapsedMs: number): void {
  broadcast({ type: 'step', label, elapsedMs })
}

/** How it went is for those, too, who come later. */
function tell(message: KeeperMessage): void {
  outcome = message
  broadcast(message)
}

function broadcast(message: KeeperMessage): void {
  for (const socket of holders) sendMessage(socket, message)
}

/** Undefined when another keeper got there first. One that is just closing is waited for. */
async function waitForLock(): Promise<Disposable | undefined> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  while (Date.now() < deadline) {
    const taken = takeLock(`${instance.homeFolder}/keeper.lock`)
    if (taken !== undefined) return taken
    if (await hasKeeper()) return undefined
    await sleep(LOCK_POLL_MS)
  }
  throw new Error('another keeper neither serves nor ends')
}

function hasKeeper(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(controlSocketOf(instance))
    socket.once('connect', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
