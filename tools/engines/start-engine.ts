import { existsSync, readdirSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ReadableError } from '../readable-error.ts'
import type { Engine, OnStep, RunningEngine } from './engine.ts'
import { DiskFullError } from './explain-failure.ts'
import { fetchServer } from './fetch-server.ts'
import type { ServerProgram } from './find-servers.ts'
import { findInstalledServers } from './find-servers.ts'
import type { Instance } from './instance.ts'
import { createMysqlServer, initialiseMysql } from './mysql-server.ts'
import { createRedisServer } from './redis-server.ts'
import type { ServerProcess } from './server-process.ts'
import { startContainer } from './start-container.ts'

/** Options of the start of an engine. */
export interface StartOptions {
  instance: Instance
  onStep: OnStep
  signal: AbortSignal
}

const ENGINE_NAMES: Record<Engine, string> = { database: 'MySQL or MariaDB', redis: 'Redis or Valkey' }
/** The name of a data folder: the release that wrote it, such as `MariaDB-10.11`. */
const DATA_FOLDER = /^(MariaDB|MySQL)-(\d+)\.(\d+)$/

/**
 * Starts an engine in the first way that works: an installed program, a program from Debian packages, a container.
 * @throws {ReadableError} with what was tried and what would help, or because the disk is full
 */
export async function startEngine(engine: Engine, options: StartOptions): Promise<RunningEngine> {
  const failures: string[] = []
  for await (const start of findWays(engine, options)) {
    try {
      return await start()
    } catch (error) {
      if (error instanceof DiskFullError || options.signal.aborted) throw error
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new ReadableError(describeFailures(engine, options.instance, failures))
}

type Start = () => Promise<RunningEngine>

/** Yields the ways to start an engine. Looks for the next one only after the last one failed. */
async function* findWays(engine: Engine, options: StartOptions): AsyncGenerator<Start> {
  for (const program of await findInstalledServers(engine)) yield () => startProgram(engine, program, options)
  yield async () => startProgram(engine, await fetchServer(engine, options), options)
  yield () => startInContainer(engine, options)
}

async function startProgram(engine: Engine, program: ServerProgram, options: StartOptions): Promise<RunningEngine> {
  const { instance, onStep, signal } = options
  const { homeFolder, runtimeFolder, purpose } = instance
  const isDurable = purpose === 'development'
  const socketPath = join(runtimeFolder, `${engine}.sock`)
  const files = { program, socketPath, logFile: join(homeFolder, `${engine}.log`) }
  const dataFolder = engine === 'database' ? dataFolderFor(program, dataParentOf(instance)) : undefined
  const server =
    dataFolder === undefined ? createRedisServer(files) : createMysqlServer({ ...files, dataFolder, isDurable })

  const startedAt = performance.now()
  if (await server.adopt()) {
    onStep(`${server.label} taken over`, performance.now() - startedAt)
  } else if (dataFolder === undefined || existsSync(dataFolder)) {
    await server.start()
    onStep(`${server.label} started`, performance.now() - startedAt)
  } else {
    await initialiseMysql(program, dataFolder, signal)
    await startWithNewData(server, dataFolder)
    onStep(`${server.label} started with a new database`, performance.now() - startedAt)
  }
  return Object.assign(server, { address: { path: socketPath }, ...(!isDurable && { stop: server.kill }) })
}

/** Starts a server on new data, and removes them if it fails: they would block the next way to start the engine. */
async function startWithNewData(server: ServerProcess, dataFolder: string): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    await rm(dataFolder, { recursive: true })
    throw error
  }
}

async function startInContainer(engine: Engine, { instance, onStep, signal }: StartOptions): Promise<RunningEngine> {
  const data = engine === 'database' ? findData(dataParentOf(instance)) : undefined
  if (data !== undefined) throw new ReadableError(`A container cannot read the data in ${data.folder}.`)
  const startedAt = performance.now()
  const name = `${basename(instance.runtimeFolder)}-${engine}`
  const running = await startContainer(engine, name, instance.purpose === 'development', signal)
  onStep(`${running.label} started`, performance.now() - startedAt)
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
    '  - set DB_HOST, DB_USER, DB_PASSWORD, DB_NAME and REDIS_URL to servers of your own',
    ...(data
      ? [
          `  - remove ${data.folder}, the data of ${data.family} ${data.major}.${data.minor}, to start with an empty database`
        ]
      : []),
    'What was tried:',
    ...failures.map((failure) => `  - ${failure.replaceAll('\n', '\n    ')}`)
  ].join('\n')
}

/**
 * Chooses the data folder of a database program below `parent`, and renames the data of an older release of the same
 * family, which the program can upgrade.
 * @throws {ReadableError} when there are data that the program cannot read
 */
function dataFolderFor({ family, version, file }: ServerProgram, parent: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const folder = join(parent, `${family}-${major}.${minor}`)
  const existing = findData(parent)
  if (existing === undefined || existing.folder === folder) return folder
  const isOlder = existing.major < major || (existing.major === major && existing.minor < minor)
  if (existing.family !== family || !isOlder) {
    throw new ReadableError(`${file} is ${family} ${version}, which cannot read ${existing.folder}.`)
  }
  renameSync(existing.folder, folder)
  return folder
}

/** Finds the data that an earlier start left, with the release that wrote them. */
function findData(parent: string) {
  const names = existsSync(parent) ? readdirSync(parent) : []
  const [found] = names.map((name) => DATA_FOLDER.exec(name)).filter((match) => match !== null)
  if (found === undefined) return undefined
  const [name, family = '', major, minor] = found
  return { folder: join(parent, name), family, major: Number(major), minor: Number(minor) }
}
