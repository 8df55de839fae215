import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { fetchServer } from '../../scripts/engines/fetch-server.ts'
import { findInstalledServers, serverEnvironment } from '../../scripts/engines/find-servers.ts'
import { isRedisReady } from '../../scripts/engines/probe-server.ts'
import { createServerProcess } from '../../scripts/engines/server-process.ts'
import { sharedAnswers, type Terms } from '../../src/cache/shared-answers.ts'
import { redisGuard } from '../../src/redis/redis-guard.ts'
import { waitFor } from '../support/wait-for.ts'

const KEYS = ['list:a', 'list:b', 'product:c']
const terms: Terms = { anyVersionMs: 60_000, validFrom: null, knownVersion: null, ttlMs: 60_000 }
const answer = { body: Buffer.from('{}'), etag: 'W/"1"' }

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  return port
}

/** A cluster of one node, with all slots; it refuses what touches two of them at once. */
async function startCluster(t: Test): Promise<Redis> {
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

t.test('a cluster takes all that is asked of it', async (t) => {
  const client = await startCluster(t)
  await t.rejects(client.mget('one', 'two'), { message: /CROSSSLOT/ }, 'it is one')
  const guard = redisGuard({ budgetMs: 5000, nowMs: () => 0, onDown: (error) => t.fail(error.message), onUp: () => {} })
  const one = sharedAnswers({ client, guard, instanceId: 'one' })
  for (const key of KEYS) {
    const claim = await one.lookup(key, terms)
    t.match(claim, { state: 'claimed' })
    await one.release(key)
    const startedAtMs = claim.state === 'claimed' ? claim.startedAtMs : 0
    await one.store(key, { answer, version: 7, startedAtMs, keepMs: 60_000 })
    t.match(await one.lookup(key, terms), { state: 'found', version: 7, answer })
    t.same(await one.peek(key), { version: 7, answer })
    await client.hset(`answer:{${key}}`, 'bytes', 'x')
    t.match(await one.lookup(key, terms), { state: 'claimed' }, 'what is poisoned is thrown out')
  }
})
