import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchServer } from './fetch-server.ts'
import type { Engine, ServerProgram } from './find-servers.ts'
import { findInstalledServers } from './find-servers.ts'
import { initialiseMysql } from './initialise-mysql.ts'
import { createMysqlServer } from './mysql-server.ts'
import { createRedisServer } from './redis-server.ts'
import type { ServerProcess } from './server-process.ts'

const STOP_TIMEOUT_MS = 1000

/** A running server of one's own, to pause, to kill and to start again. */
export interface ThrowAwayServer extends ServerProcess {
  readonly socketPath: string
  /** On 127.0.0.1; the same after a restart. */
  readonly port: number
  /** Ends it, and removes what it has written. */
  remove(): Promise<void>
}

/** Starts a MySQL or MariaDB with an empty database; its `root` has no password. */
export async function startThrowAwayMysql(): Promise<ThrowAwayServer> {
  return await startThrowAway('database', async (files) => {
    const dataFolder = join(files.folder, 'data')
    await initialiseMysql(files.program, dataFolder, new AbortController().signal)
    return createMysqlServer({ ...files, dataFolder, isDurable: false })
  })
}

/** Starts an empty Redis or Valkey. */
export async function startThrowAwayRedis(): Promise<ThrowAwayServer> {
  return await startThrowAway('redis', async (files) => createRedisServer(files))
}

interface Files {
  program: ServerProgram
  folder: string
  socketPath: string
  logFile: string
  port: number
}

async function startThrowAway(
  engine: Engine,
  create: (files: Files) => Promise<ServerProcess>
): Promise<ThrowAwayServer> {
  const folder = await mkdtemp(join(tmpdir(), 'aisle-server-'))
  const [socketPath, logFile, port] = [join(folder, 'server.sock'), join(folder, 'server.log'), await findFreePort()]
  const server = await create({ program: await findProgram(engine), folder, socketPath, logFile, port })
  await server.start()
  const remove = async () => {
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  }
  const { pause: sendStop } = server
  const pause = () => {
    sendStop()
    waitUntilStopped(server.pid)
  }
  return Object.assign(server, { socketPath, port, pause, remove })
}

/** A thread that is at work stops later than the signal is sent, and may answer one more query before. */
function waitUntilStopped(pid: number | undefined): void {
  const tasks = `/proc/${pid}/task`
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (existsSync(tasks) && performance.now() < deadline) {
    if (readdirSync(tasks).every((task) => isStopped(`${tasks}/${task}/stat`))) return
  }
}

function isStopped(statFile: string): boolean {
  try {
    return /\) [Tt] /.test(readFileSync(statFile, 'latin1'))
  } catch {
    // The thread has ended meanwhile.
    return true
  }
}

async function findProgram(engine: Engine): Promise<ServerProgram> {
  const [installed] = await findInstalledServers(engine)
  return installed ?? (await fetchServer(engine, { report: () => {}, signal: new AbortController().signal }))
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
