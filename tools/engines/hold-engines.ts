import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadableError } from '../readable-error.ts'
import type { Instance, Purpose } from './instance.ts'
import { controlSocketOf, openInstance } from './instance.ts'
import { readMessages } from './keeper-message.ts'
import type { Address } from './probe-server.ts'

/** Private engines, which run for as long as somebody holds them. */
export interface Engines {
  database: Address
  redis: Address
  /** Lets go; the last one to do so waits until the engines are down. */
  release(): Promise<void>
}

/** Told about each finished step of a start, with its duration. */
export type OnStep = (label: string, elapsedMs: number) => void

interface Hold {
  database: Address
  redis: Address
  socket: Socket
  closed: Promise<unknown>
}

const KEEPER = join(import.meta.dirname, 'keeper.ts')
const CONNECT_TIMEOUT_MS = 40_000
const CONNECT_POLL_MS = 15
const RELEASE_TIMEOUT_MS = 20_000
const MAX_ATTEMPTS = 10
const LOG_LINES = 10

/**
 * Holds the private engines of this repository: the running ones, or newly started ones. They stop when nobody holds
 * them any more, in whatever way the last holder ended.
 * @throws {ReadableError} when they can't be started
 */
export async function holdEngines(purpose: Purpose, onStep: OnStep): Promise<Engines> {
  const instance = openInstance(purpose)
  let isReleased = false
  let hold = await takeHold(instance, onStep)
  void watchKeeper()
  return {
    database: hold.database,
    redis: hold.redis,
    async release() {
      isReleased = true
      await letGo(hold)
    }
  }

  /** A keeper that was killed leaves its engines behind, and the next one takes them over. */
  async function watchKeeper() {
    for (;;) {
      await hold.closed
      if (isReleased) return
      try {
        hold = await takeHold(instance, onStep)
      } catch (error) {
        return console.error(`The private engines are gone. ${error instanceof Error ? error.message : error}`)
      }
      if (isReleased) await letGo(hold)
    }
  }
}

async function takeHold(instance: Instance, onStep: OnStep): Promise<Hold> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const socket = await connectToKeeper(instance)
    // Not `once`, which would throw what broke the connection.
    const closed = new Promise((resolve) => socket.once('close', resolve))
    try {
      const addresses = await Promise.race([untilReady(socket, onStep), closed.then(() => undefined)])
      // A keeper that was about to end; the next one serves.
      if (addresses === undefined) continue
      socket.unref()
      return { ...addresses, socket, closed }
    } catch (error) {
      await letGo({ socket, closed })
      throw error
    }
  }
  throw keeperFailed(instance)
}

/** The keeper ends the connection when it has nothing more to do for us. */
async function letGo({ socket, closed }: Pick<Hold, 'socket' | 'closed'>): Promise<void> {
  socket.ref().end()
  await Promise.race([closed, sleep(RELEASE_TIMEOUT_MS, undefined, { ref: false })])
}

function untilReady(socket: Socket, onStep: OnStep): Promise<Pick<Hold, 'database' | 'redis'>> {
  return new Promise((resolve, reject) => {
    readMessages(socket, (message) => {
      if (message.type === 'step') onStep(message.label, message.elapsedMs)
      if (message.type === 'ready') resolve({ database: message.database, redis: message.redis })
      if (message.type === 'failed') reject(new ReadableError(message.message))
      if (message.type === 'lost')
        console.error(`${message.label} has ended unexpectedly. Start again to have it back.`)
    })
  })
}

async function connectToKeeper(instance: Instance): Promise<Socket> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS
  let keeper: ChildProcess | undefined
  while (Date.now() < deadline && !keeper?.exitCode) {
    const socket = await tryConnect(controlSocketOf(instance))
    if (socket !== undefined) return socket
    // One that found another one serving is over, with 0; then that other one may be over by now, too.
    if (keeper === undefined || keeper.exitCode === 0 || keeper.signalCode !== null) keeper = spawnKeeper(instance)
    await sleep(CONNECT_POLL_MS)
  }
  throw keeperFailed(instance)
}

/** In a session of its own: nothing that ends its starter, a closed terminal included, ends it. */
function spawnKeeper(instance: Instance): ChildProcess {
  const log = openSync(logFileOf(instance), 'a', 0o600)
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env
  const keeper = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', KEEPER, JSON.stringify(instance)], {
    cwd: instance.homeFolder,
    env,
    stdio: ['ignore', log, log],
    detached: true
  })
  closeSync(log)
  keeper.unref()
  return keeper
}

function keeperFailed(instance: Instance): ReadableError {
  const log = readFileSync(logFileOf(instance), 'utf8').trim().split('\n').slice(-LOG_LINES).join('\n')
  return new ReadableError(`The keeper of the private engines failed (${logFileOf(instance)}):\n${log}`)
}

function logFileOf({ homeFolder }: Instance): string {
  return join(homeFolder, 'keeper.log')
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    // Later on, the end of the connection says it all.
    socket.on('error', () => resolve(undefined))
  })
}
