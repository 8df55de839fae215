import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { fetchServer } from '../../tools/engines/fetch-server.ts'
import { findInstalledServers, serverEnvironment } from '../../tools/engines/find-servers.ts'
import { isRedisReady } from '../../tools/engines/probe-server.ts'
import { createServerProcess } from '../../tools/engines/server-process.ts'
import { waitFor } from './wait-for.ts'

/** A cluster of one node, with all slots; it refuses what touches two of them at once. */
export async function redisCluster(t: Test): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'aisle-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const [installed] = await findInstalledServers('redis')
  const program = installed ?? (await fetchServer('redis', { report() {}, signal: new AbortController().signal }))
  const socketPath = join(folder, 'r.sock')
  const logFile = join(folder, 'r.log')
  const server = createServerProcess({
    label: 'a cluster',
    file: program.file,
    args: [
      ['--port', String(await freePort()), '--cluster-port', String(await freePort()), '--bind', '127.0.0.1'],
      ['--unixsocket', socketPath, '--dir', folder, '--logfile', logFile, '--save', '', '--set-proc-title', 'no'],
      ['--cluster-enabled', 'yes']
    ].flat(),
    env: serverEnvironment(program.tree),
    logFile,
    pidFile: `${logFile}.pid`,
    dataFolder: folder,
    isReady: () => isRedisReady({ path: socketPath })
  })
  t.teardown(() => server.kill())
  await server.start()
  const client = new Redis(socketPath, { keyPrefix: 'aisle:' })
  t.teardown(() => client.quit())
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await waitFor('the cluster is up', 10_000, async () => (await client.cluster('INFO')).includes('cluster_state:ok'))
  return client
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  return port
}
