import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ReadableError } from '../readable-error.ts'
import type { Address, Engine, RunningEngine } from './engine.ts'
import { isMysqlReady, isRedisReady } from './engine.ts'

interface Image {
  name: string
  port: number
  options: readonly string[]
  args: readonly string[]
  isReady: (address: Address) => Promise<boolean>
}

const IMAGES: Record<Engine, Image> = {
  database: {
    name: 'mysql:8.4',
    port: 3306,
    options: ['--env', 'MYSQL_ALLOW_EMPTY_PASSWORD=yes'],
    args: ['--local-infile=ON', '--disable-log-bin'],
    isReady: isMysqlReady
  },
  redis: { name: 'redis:8', port: 6379, options: [], args: ['--save', '', '--appendonly', 'no'], isReady: isRedisReady }
}
const PULL_AND_START_TIMEOUT_MS = 300_000
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_SECONDS = 15
const POLL_MS = 100

const run = promisify(execFile)

/**
 * Runs an engine in a Docker container, on a free port of 127.0.0.1.
 * @param name the name of the container and of its volume; replaces an existing container of that name
 * @param keepsData false for throw-away data
 * @throws {Error} when Docker is missing or fails, or the engine does not answer in time
 */
export async function startContainer(
  engine: Engine,
  name: string,
  keepsData: boolean,
  signal: AbortSignal
): Promise<RunningEngine> {
  const image = IMAGES[engine]
  const docker = async (...args: string[]) => {
    const { stdout } = await run('docker', args, { signal, timeout: PULL_AND_START_TIMEOUT_MS })
    return stdout.trim()
  }
  const stop = async () => {
    await run('docker', ['stop', '-t', String(STOP_TIMEOUT_SECONDS), name])
  }

  await docker('version')
  // Usually there is no such container.
  await docker('rm', '--force', name).catch(() => '')
  const storage = keepsData && engine === 'database' ? ['--volume', `${name}:/var/lib/mysql`] : []
  const options = [
    '--rm',
    '--detach',
    '--name',
    name,
    '--publish',
    `127.0.0.1::${image.port}`,
    ...image.options,
    ...storage
  ]
  await docker('run', ...options, image.name, ...image.args)
  try {
    const address = parseAddress(await docker('port', name, `${image.port}/tcp`))
    await untilReady(image, address)
    return { label: `${image.name} in Docker`, address, stop, onLost: null }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilReady(image: Image, address: Address): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (!(await image.isReady(address))) {
    if (Date.now() > deadline)
      throw new ReadableError(`${image.name} did not answer within ${READY_TIMEOUT_MS / 1000} s.`)
    await sleep(POLL_MS)
  }
}

function parseAddress(text: string): Address {
  const [, host = '127.0.0.1', port] = /^(.*):(\d+)$/m.exec(text) ?? []
  return { host, port: Number(port) }
}
