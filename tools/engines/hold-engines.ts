import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadableError } from '../readable-error.ts'
import type { Address, OnStep } from './engine.ts'
import type { Instance, Purpose } from './instance.ts'
import { controlSocketOf, prepareInstance } from './instance.ts'
import { readMessages } from './keeper-protocol.ts'

/** Private engines, which run while at least one command holds them. */
export interface HeldEngines {
  database: Address
  redis: Address
  /** Ends the hold. The last holder waits until the engines are down. */
  release(): Promise<void>
}

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
 * Holds the private engines of this repository, and starts them if they do not run yet. They stop when the last holder
 * ends, even if it is killed.
 * @throws {ReadableError} when they cannot be started
 */
export async function holdEngines(purpose: Purpose, onStep: OnStep): Promise<HeldEngines> {
  const instance = prepareInstance(purpose)
  let isReleased = false
  let hold = await takeHold(instance, onStep)
  void watchKeeper()
  return {
    database: hold.database,
    redis: hold.redis,
    async release() {
      isReleased = true
      await endHold(hold)
    }
  }

  /** Starts a new keeper when the current one is killed: it takes the running engines over. */
  async function watchKeeper() {
    for (;;) {
      await hold.closed
      if (isReleased) return
      try {
        hold = await takeHold(instance, onStep)
      } catch (error) {
        return console.error(`The private engines have stopped. ${error instanceof Error ? error.message : error}`)
      }
      if (isReleased) await endHold(hold)
    }
  }
}

async function takeHold(instance: Instance, onStep: OnStep): Promise<Hold> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const socket = await connectToKeeper(instance)
    // `events.once` would reject when the connection breaks.
    const closed = new Promise((resolve) => socket.once('close', resolve))
    try {
      const addresses = await Promise.race([untilReady(socket, onStep), closed.then(() => undefined)])
      // That keeper was shutting down: connect to the next one.
      if (addresses === undefined) continue
      socket.unref()
      return { ...addresses, socket, closed }
    } catch (error) {
      await endHold({ socket, closed })
      throw error
    }
  }
  throw keeperFailed(instance)
}

/** Waits until the keeper closes the connection: for the last holder, that is when the engines are down. */
async function endHold({ socket, closed }: Pick<Hold, 'socket' | 'closed'>): Promise<void> {
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
        console.error(`${message.label} has ended unexpectedly. Run the command again to restart it.`)
    })
  })
}

async function connectToKeeper(instance: Instance): Promise<Socket> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS
  let keeper: ChildProcess | undefined
  while (Date.now() < deadline && !keeper?.exitCode) {
    const socket = await tryConnect(controlSocketOf(instance))
    if (socket !== undefined) return socket
    // Status 0: that keeper found another one, which may have ended since.
    if (keeper === undefined || keeper.exitCode === 0 || keeper.signalCode !== null) keeper = spawnKeeper(instance)
    await sleep(CONNECT_POLL_MS)
  }
  throw keeperFailed(instance)
}

/** Starts a keeper in a session of its own, so that it survives this process and its terminal. */
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
    // After connecting, `close` reports every failure.
    socket.on('error', () => resolve(undefined))
  })
}
