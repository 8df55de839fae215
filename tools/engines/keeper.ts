/*
 * The keeper of the private engines: a process in a session of its own, which runs the engines as long as any command
 * has a connection open to its control socket. A command that is killed closes its connection like one that ends.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningEngine } from './engine.ts'
import type { Instance } from './instance.ts'
import { controlSocketOf, makeRuntimeFolder, removeRuntimeFolder } from './instance.ts'
import type { KeeperMessage } from './keeper-protocol.ts'
import { sendMessage } from './keeper-protocol.ts'
import { startEngine } from './start-engine.ts'

const LOCK_TIMEOUT_MS = 30_000
const LOCK_POLL_MS = 30
const FIRST_HOLDER_TIMEOUT_MS = 30_000
const SQLITE_BUSY = 5

const instance: Instance = JSON.parse(process.argv[2] ?? '')
const holders = new Set<Socket>()
const leaving = new Set<Socket>()
const closing = new AbortController()
let outcome: KeeperMessage | undefined

// The kernel releases the lock when this process ends, even when it is killed.
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
  socket.on('end', () => removeHolder(socket))
  socket.on('close', () => removeHolder(socket))
  socket.resume()
  if (outcome !== undefined) sendMessage(socket, outcome)
}

/** Keeps the connection of the last holder open until the engines are down: its end reports that they are. */
function removeHolder(socket: Socket): void {
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

/** Starts both engines at the same time. When one fails, it stops the other and returns none. */
async function startEngines(): Promise<RunningEngine[]> {
  const context = { instance, onStep: reportStep, signal: closing.signal }
  const [database, redis] = await Promise.allSettled([startEngine('database', context), startEngine('redis', context)])
  if (database.status === 'fulfilled' && redis.status === 'fulfilled') {
    const engines = [database.value, redis.value]
    for (const engine of engines) engine.onLost = () => broadcast({ type: 'lost', label: engine.label })
    reportOutcome({ type: 'ready', database: database.value.address, redis: redis.value.address })
    return engines
  }
  for (const result of [database, redis]) {
    if (result.status === 'fulfilled') await result.value.stop()
    else reportOutcome({ type: 'failed', message: describe(result.reason) })
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

/** Sends the outcome of the start to all holders, and later to each new one. */
function reportOutcome(message: KeeperMessage): void {
  outcome = message
  broadcast(message)
}

function broadcast(message: KeeperMessage): void {
  for (const socket of holders) sendMessage(socket, message)
}

/**
 * Waits for the keeper's lock while a previous keeper shuts down.
 * @returns undefined when another keeper has the lock and serves
 */
async function waitForLock(): Promise<Disposable | undefined> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  while (Date.now() < deadline) {
    const taken = tryFileLock(`${instance.homeFolder}/keeper.lock`)
    if (taken !== undefined) return taken
    if (await hasKeeper()) return undefined
    await sleep(LOCK_POLL_MS)
  }
  throw new Error('Another keeper holds the lock, but does not answer.')
}

/**
 * Takes a lock that the kernel releases when this process ends. Node has no file locks; an exclusive SQLite transaction
 * on an empty file is one.
 * @returns undefined while another process holds it
 */
function tryFileLock(file: string): Disposable | undefined {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined
    throw error
  }
}

function hasKeeper(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(controlSocketOf(instance))
    socket.once('connect', () => socket.end(() => resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
