import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import mysql from 'mysql2/promise'
import t, { type Test } from 'tap'
import { isMysqlReady, isRedisReady } from '../../tools/engines/engine.ts'
import { DiskFullError, explainFailure } from '../../tools/engines/explain-failure.ts'
import { findInstalledServers } from '../../tools/engines/find-servers.ts'
import { makeClone, untilNothingIsLeft } from '../support/clone.ts'
import { privateMysql, privateRedis } from '../support/private-engines.ts'
import { runBootstrap } from '../support/run-in-clone.ts'
import { waitFor } from '../support/wait-for.ts'

t.test('a MySQL can be paused, killed and started again on its data', async (t) => {
  const server = await privateMysql(t)
  const address = { path: server.socketPath }
  const query = async (sql: string) => {
    const connection = await mysql.createConnection({ socketPath: server.socketPath, user: 'root' })
    const [rows] = await connection.query(sql)
    connection.destroy()
    return rows
  }
  t.ok(await isMysqlReady(address))
  const [{ folder }] = (await query('SELECT @@tmpdir AS folder')) as [{ folder: string }]
  t.ok(folder.startsWith(dirname(server.socketPath)), 'other servers would clear a shared temporary folder')
  await query('CREATE DATABASE shop')
  await query("CREATE TABLE shop.products AS SELECT 'kettle' AS name")

  server.pause()
  await waitFor('it is paused', async () => !(await isMysqlReady(address)))
  server.resume()
  t.ok(await isMysqlReady(address), 'resumed')

  await server.kill()
  t.notOk(await isMysqlReady(address), 'killed')
  await server.start()
  t.same(await query('SELECT name FROM shop.products'), [{ name: 'kettle' }])

  server.pause()
  await server.stop()
  t.notOk(await isMysqlReady(address), 'stopped, though it was paused')
})

t.test('a Redis can be paused, killed and started again', async (t) => {
  const server = await privateRedis(t)
  const address = { path: server.socketPath }
  t.ok(await isRedisReady(address))
  server.pause()
  await waitFor('it is paused', async () => !(await isRedisReady(address)))
  await server.kill()
  await server.start()
  t.ok(await isRedisReady(address), 'started again')
})

t.test('an installed server that does not work is skipped', async (t) => {
  const clone = makeClone(t)
  const folder = join(clone, 'broken')
  mkdirSync(folder)
  for (const [name, version] of [
    ['mariadbd', 'mariadbd  Ver 77.0.1-MariaDB for Linux'],
    ['redis-server', 'Redis server v=77.0.1 sha=0']
  ] as const) {
    const script = `#!/bin/sh\ncase "$*" in *--version) echo '${version}';; *) echo 'no permission' >&2; exit 1;; esac\n`
    writeFileSync(join(folder, name), script, { mode: 0o755 })
  }
  const run = runBootstrap(clone, ['migrate'], { PATH: [folder, process.env.PATH].join(delimiter) })
  t.equal(await run.ended, 0, run.output())
  t.match(run.output(), /(Redis|Valkey) [\d.]+ started/)
  t.notMatch(run.output(), '77.0.1')
})

const installed = [...(await findInstalledServers('database')), ...(await findInstalledServers('redis'))]
const skip = installed.length > 0 && 'this machine has engines installed'

t.test('without any engine, the error lists what was tried and what helps', { skip }, async (t) => {
  const clone = makeClone(t)
  const empty = join(clone, 'empty')
  mkdirSync(empty)
  const run = runBootstrap(clone, ['migrate'], { PATH: empty, XDG_CACHE_HOME: empty })
  t.equal(await run.ended, 1)
  t.match(
    run.output(),
    /could not be started\. One of these helps:\n {2}- install it: apt-get install .*\n {2}- start Docker/
  )
  t.match(run.output(), 'set DB_HOST, DB_USER, DB_PASSWORD, DB_NAME and REDIS_URL')
  t.match(run.output(), 'There is no apt-get to fetch packages with')
  t.notMatch(run.output(), /^ +at /m, 'no stack')
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('data that no engine here can read are kept', async (t) => {
  const clone = makeClone(t)
  const data = join(clone, '.data/development/MariaDB-99.0')
  mkdirSync(data, { recursive: true })
  const run = runBootstrap(clone, ['migrate'])
  t.equal(await run.ended, 1)
  t.match(run.output(), `remove ${data}, the data of MariaDB 99.0, to start with an empty database`)
  t.ok(existsSync(data))
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('a runtime folder of another user is not used', async (t) => {
  const clone = makeClone(t)
  const { prepareInstance } = await import(join(clone, 'tools/engines/instance.ts'))
  const { runtimeFolder } = prepareInstance('development')
  mkdirSync(runtimeFolder)
  t.teardown(() => execFileSync('rm', ['-r', runtimeFolder]))
  chmodSync(runtimeFolder, 0o777)
  const run = runBootstrap(clone, ['migrate'])
  t.equal(await run.ended, 1)
  t.equal(run.output(), `${runtimeFolder} belongs to another user. Set TMPDIR to a folder of your own.\n`)
})

t.test('a full disk', async (t) => {
  t.test('is reported, on the first start and later, and the next start works', async (t) => {
    const clone = makeClone(t)
    const data = join(clone, '.data')
    mkdirSync(data)
    if (!mountDisk(t, data)) return t.comment('not tried: only root can mount a disk')
    const ballast = join(data, 'ballast')
    const error = /^The disk that holds .* is full\. Free 300 MB or more, and run the command again\.\n$/m

    for (const spareBytes of [100_000_000, 0]) {
      const { bavail, bsize } = statfsSync(data)
      execFileSync('fallocate', ['-l', String(bavail * bsize - spareBytes), ballast])
      const run = runBootstrap(clone, ['migrate'])
      t.equal(await run.ended, 1)
      t.match(run.output(), error)
      t.notMatch(run.output(), 'One of these helps')
      await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
      rmSync(ballast)
      t.equal(await runBootstrap(clone, ['migrate']).ended, 0)
    }
  })

  t.test('is recognised by the messages of the engines', async (t) => {
    for (const line of [
      '[ERROR] InnoDB: Error number 28 means "No space left on device"',
      'mariadbd: Disk full (/tmp/#sql-temptable); waiting for someone to free some space... (errno: 28 "No space left on device")',
      '# Error registering module: ENOSPC: no space left on device, write'
    ]) {
      t.type(explainFailure('MariaDB did not start', tmpdir(), line), DiskFullError)
    }
    t.match(explainFailure('MariaDB did not start', tmpdir(), 'Note: hello\n[ERROR] Access denied\n'), {
      message: 'MariaDB did not start:\n  [ERROR] Access denied'
    })
  })
})

function mountDisk(t: Test, folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    // Not as root, or not in this container.
    return false
  }
  t.teardown(() => execFileSync('umount', ['-l', folder]))
  return true
}
