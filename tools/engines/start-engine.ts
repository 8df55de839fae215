import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ReadableError } from '../readable-error.ts'
import { dataFolderFor, findData } from './data-folder.ts'
import { DiskFullError } from './explain-failure.ts'
import { fetchServer } from './fetch-server.ts'
import type { Engine, ServerProgram } from './find-servers.ts'
import { findInstalledServers } from './find-servers.ts'
import { initialiseMysql } from './initialise-mysql.ts'
import type { Instance } from './instance.ts'
import { createMysqlServer } from './mysql-server.ts'
import type { Address } from './probe-server.ts'
import { createRedisServer } from './redis-server.ts'
import type { ServerProcess } from './server-process.ts'
import { startContainer } from './start-container.ts'

/** An engine that answers. */
export interface RunningEngine {
  readonly label: string
  readonly address: Address
  stop(): Promise<void>
  /** Called when it ends without having been asked to. */
  onLost: (() => void) | null
}

/** What is being started, and for whom. */
export interface StartContext {
  instance: Instance
  /** Told about each finished step and its duration. */
  report: (label: string, elapsedMs: number) => void
  signal: AbortSignal
}

const ENGINE_NAMES: Record<Engine, string> = { database: 'MySQL or MariaDB', redis: 'Redis or Valkey' }

/**
 * Starts an engine in the first way that works.
 * @throws {ReadableError} saying what was tried and what would help, or that the disk is full
 */
export async function startEngine(engine: Engine, context: StartContext): Promise<RunningEngine> {
  const failures: string[] = []
  for await (const start of findWays(engine, context)) {
    try {
      return await start()
    } catch (error) {
      if (error instanceof DiskFullError || context.signal.aborted) throw error
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new ReadableError(describeFailures(engine, context.instance, failures))
}

type Start = () => Promise<RunningEngine>

/** From the nearest to the farthest; a farther one is looked for only when it comes to that. */
async function* findWays(engine: Engine, context: StartContext): AsyncGenerator<Start> {
  for (const program of await findInstalledServers(engine)) yield () => startProgram(engine, program, context)
  yield async () => startProgram(engine, await fetchServer(engine, context), context)
  yield () => startInContainer(engine, context)
}

async function startProgram(engine: Engine, program: ServerProgram, context: StartContext): Promise<RunningEngine> {
  const { instance, report, signal } = context
  const { homeFolder, runtimeFolder, purpose } = instance
  const isDurable = purpose === 'development'
  const socketPath = join(runtimeFolder, `${engine}.sock`)
  const files = { program, socketPath, logFile: join(homeFolder, `${engine}.log`) }
  const dataFolder = engine === 'database' ? dataFolderFor(program, dataParentOf(instance)) : undefined
  const server =
    dataFolder === undefined ? createRedisServer(files) : createMysqlServer({ ...files, dataFolder, isDurable })

  const startedAt = performance.now()
  if (await server.adopt()) {
    report(`${server.label} taken over`, performance.now() - startedAt)
  } else if (dataFolder === undefined || existsSync(dataFolder)) {
    await server.start()
    report(`${server.label} started`, performance.now() - startedAt)
  } else {
    await initialiseMysql(program, dataFolder, signal)
    await startWithNewData(server, dataFolder)
    report(`${server.label} started with a new database`, performance.now() - startedAt)
  }
  return Object.assign(server, { address: { path: socketPath }, ...(!isDurable && { stop: server.kill }) })
}

/** Data of a server that doesn't start would stand in the way of the next one that is tried. */
async function startWithNewData(server: ServerProcess, dataFolder: string): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    await rm(dataFolder, { recursive: true })
    throw error
  }
}

async function startInContainer(engine: Engine, { instance, report, signal }: StartContext): Promise<RunningEngine> {
  const data = engine === 'database' ? findData(dataParentOf(instance)) : undefined
  if (data !== undefined) throw new ReadableError(`no container for the data in ${data.folder}`)
  const startedAt = performance.now()
  const name = `${basename(instance.runtimeFolder)}-${engine}`
  const running = await startContainer(engine, name, instance.purpose === 'development', signal)
  report(`${running.label} started`, performance.now() - startedAt)
  return running
}

function dataParentOf({ purpose, homeFolder, runtimeFolder }: Instance): string {
  return purpose === 'development' ? homeFolder : runtimeFolder
}

function describeFailures(engine: Engine, instance: Instance, failures: readonly string[]): string {
  const data = engine === 'database' ? findData(dataParentOf(instance)) : undefined
  return [
    `${ENGINE_NAMES[engine]} could not be started. One of these helps:`,
    '  - install it: apt-get install mariadb-server redis-server, or brew install mariadb redis',
    '  - start Docker',
    '  - set DB_HOST, DB_USER, DB_PASSWORD, DB_NAME and REDIS_URL to servers that you have',
    ...(data
      ? [
          `  - remove ${data.folder}, the data of ${data.family} ${data.major}.${data.minor}, to start with an empty one`
        ]
      : []),
    'Tried were:',
    ...failures.map((failure) => `  - ${failure.replaceAll('\n', '\n    ')}`)
  ].join('\n')
}
