import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { fetchServer } from '../../tools/engines/fetch-server.ts'
import { type Engine, findInstalledServers, type ServerProgram } from '../../tools/engines/find-servers.ts'
import { initialiseMysql } from '../../tools/engines/initialise-mysql.ts'
import { createMysqlServer } from '../../tools/engines/mysql-server.ts'
import { createRedisServer } from '../../tools/engines/redis-server.ts'
import type { ServerProcess } from '../../tools/engines/server-process.ts'

/** A server of the test's own, to be paused, killed and started again; it ends with the test. */
export interface PrivateEngine extends ServerProcess {
  readonly socketPath: string
}

/** A started MySQL or MariaDB, empty, with a `root` without a password. */
export async function privateMysql(t: Test): Promise<PrivateEngine> {
  const folder = temporaryFolder(t)
  const program = await findProgram('database')
  const dataFolder = join(folder, 'data')
  const socketPath = join(folder, 'm.sock')
  await initialiseMysql(program, dataFolder, new AbortController().signal)
  const logFile = join(folder, 'm.log')
  return await run(
    t,
    createMysqlServer({ program, dataFolder, socketPath, logFile, port: 0, isDurable: false }),
    socketPath
  )
}

/** A started Redis, empty. */
export async function privateRedis(t: Test): Promise<PrivateEngine> {
  const folder = temporaryFolder(t)
  const program = await findProgram('redis')
  const socketPath = join(folder, 'r.sock')
  return await run(t, createRedisServer({ program, socketPath, logFile: join(folder, 'r.log'), port: 0 }), socketPath)
}

async function run(t: Test, server: ServerProcess, socketPath: string): Promise<PrivateEngine> {
  t.teardown(() => server.kill())
  await server.start()
  return Object.assign(server, { socketPath })
}

async function findProgram(engine: Engine): Promise<ServerProgram> {
  const [installed] = await findInstalledServers(engine)
  if (installed) return installed
  return await fetchServer(engine, { report: () => {}, signal: new AbortController().signal })
}

/** Short: the path of a socket has its limit. */
function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'aisle-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
