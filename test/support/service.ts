import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { waitFor } from './wait-for.ts'

/** The entry point. */
export const SERVER = join(import.meta.dirname, '../../src/server.ts')
const PAGE_BYTES = 4096

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A line of the log. */
export interface LogLine {
  level: number
  msg: string
  err?: { message: string }
}

export interface Service {
  readonly url: string
  readonly pid: number
  readonly log: readonly LogLine[]
  readonly stderr: string
  readonly exit: Promise<Exit>
  signal(name: NodeJS.Signals): void
  /** Lines of the log whose message matches. */
  logged(message: RegExp): LogLine[]
}

/**
 * Runs the service as a process of its own, and kills it at the end of the test. Resolves once it listens or ends.
 * @param args of Node; by default the service's entry point
 */
export async function startService(t: Test, env: Record<string, string>, args = [SERVER]): Promise<Service> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  let hasEnded = false
  const exit = once(child, 'close').then(([code, signal]): Exit => {
    hasEnded = true
    return { code, signal }
  })
  t.teardown(async () => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exit
  })

  const readLog = () => stdout.split('\n').filter(Boolean).map(parse)
  const listening = () => /listening at ([^"]+)/.exec(stdout)?.[1]
  await waitFor('the service starts', () => hasEnded || listening())
  return {
    url: listening() ?? '',
    pid: child.pid ?? 0,
    get log() {
      return readLog()
    },
    get stderr() {
      return stderr
    },
    exit,
    signal: (name) => child.kill(name),
    logged: (message) => readLog().filter(({ msg }) => message.test(msg))
  }
}

/** The environment that makes a configuration. */
export function toEnvironment({
  mysql,
  redis,
  log,
  server,
  rateLimit,
  oauth,
  supplier
}: Config): Record<string, string> {
  return {
    DB_SOCKET: 'socketPath' in mysql ? mysql.socketPath : '',
    DB_HOST: 'host' in mysql ? mysql.host : '',
    DB_PORT: 'port' in mysql ? String(mysql.port) : '',
    DB_USER: mysql.user,
    DB_PASSWORD: mysql.password,
    DB_NAME: mysql.database,
    DB_CONNECTION_LIMIT: String(mysql.connectionLimit),
    DB_QUEUE_LIMIT: String(mysql.queueLimit),
    DB_QUERY_TIMEOUT_MS: String(mysql.queryTimeoutMs),
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: redis.keyPrefix,
    RATE_LIMIT_ENABLED: String(rateLimit.isEnabled),
    RATE_LIMIT_MAX_REQUESTS: String(rateLimit.max),
    RATE_LIMIT_WINDOW_MS: String(rateLimit.windowMs),
    PORT: String(server.port),
    SHUTDOWN_DRAIN_MS: String(server.drainMs),
    OAUTH_TOKEN_URL: oauth?.tokenUrl ?? '',
    OAUTH_CLIENT_ID: oauth?.clientId ?? '',
    OAUTH_CLIENT_SECRET: oauth?.clientSecret ?? '',
    EXTERNAL_API_BASE_URL: supplier.baseUrl ?? '',
    EXTERNAL_API_RETRY_DELAY: String(supplier.retryDelayMs),
    LOG_LEVEL: log.level
  }
}

/** The memory that a process takes now, in bytes. Linux only. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
}

/** How many Unix sockets a process has open. Linux only. */
export function unixSockets(pid: number): number {
  const inodes = new Set(
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.split(/\s+/)[6])
  )
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => linkTarget(`/proc/${pid}/fd/${fd}`))
  return files.filter((file) => inodes.has(/^socket:\[(\d+)\]$/.exec(file)?.[1])).length
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // It was closed a moment ago.
    return ''
  }
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line)
  } catch {
    // Printed, not logged.
    return { level: 0, msg: line }
  }
}
