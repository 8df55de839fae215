import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Engine } from '../../tools/engines/engine.ts'
import { fetchServer } from '../../tools/engines/fetch-server.ts'
import { findInstalledServers, type ServerProgram } from '../../tools/engines/find-servers.ts'
import { createMysqlServer, initialiseMysql } from '../../tools/engines/mysql-server.ts'
import { createRedisServer } from '../../tools/engines/redis-server.ts'
import type { ServerProcess } from '../../tools/engines/server-process.ts'
import { waitFor } from './wait-for.ts'

/** A server that belongs to one test, which may pause, kill and restart it. It ends with the test. */
export interface PrivateEngine extends ServerProcess {
  readonly socketPath: string
}

/** Starts an empty MySQL or MariaDB, whose `root` has no password. */
export async function privateMysql(t: Test): Promise<PrivateEngine> {
  const { program, folder, socketPath, logFile } = await prepareEngine(t, 'database')
  const dataFolder = join(folder, 'data')
  await initialiseMysql(program, dataFolder, new AbortController().signal)
  const server = createMysqlServer({ program, dataFolder, socketPath, logFile, isDurable: false })
  return await startEngine(t, server, socketPath)
}

/** Starts an empty Redis. */
export async function privateRedis(t: Test, args: readonly string[] = []): Promise<PrivateEngine> {
  const { program, socketPath, logFile } = await prepareEngine(t, 'redis')
  return await startEngine(t, createRedisServer({ program, socketPath, logFile, args }), socketPath)
}

/**
 * Starts a Redis Cluster of one node, which has all slots. It refuses commands with keys of two slots.
 * @returns a client whose keys have the prefix `aisle:`
 */
export async function privateRedisCluster(t: Test): Promise<Redis> {
  // A node of a cluster must listen on two ports.
  const ports = ['--port', String(await freePort()), '--cluster-port', String(await freePort())]
  const server = await privateRedis(t, [...ports, '--cluster-enabled', 'yes'])
  const client = new Redis(server.socketPath, { keyPrefix: 'aisle:' })
  t.teardown(() => client.quit())
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  const isUp = async () => (await client.cluster('INFO')).includes('cluster_state:ok')
  await waitFor('the cluster is up', isUp)
  return client
}

/** Finds a port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

async function prepareEngine(t: Test, engine: Engine) {
  // A short path: that of a Unix socket has at most 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'aisle-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return { program: await findProgram(engine), folder, socketPath: join(folder, 's'), logFile: join(folder, 'log') }
}

async function findProgram(engine: Engine): Promise<ServerProgram> {
  const [installed] = await findInstalledServers(engine)
  return installed ?? (await fetchServer(engine, { onStep: () => {}, signal: new AbortController().signal }))
}

async function startEngine(t: Test, server: ServerProcess, socketPath: string): Promise<PrivateEngine> {
  t.teardown(() => server.kill())
  await server.start()
  return Object.assign(server, { socketPath })
}
