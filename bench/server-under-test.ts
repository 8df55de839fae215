import { fork } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Usage, UsageReport } from './usage-reporter.ts'

/** A server under test: a process of its own in production mode, with its log in a file. */
export interface ServerUnderTest {
  readonly port: number
  usage(): Promise<Usage>
  /** Waits until the log is written, and empties it. Resolves with its length in bytes. */
  clearLog(): Promise<number>
  stop(): Promise<void>
}

/** Options of a server under test. */
export interface ServerUnderTestOptions {
  args?: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** The file for the server's standard output. */
  logFile: string
}

const AISLE = join(import.meta.dirname, '../src/server.ts')
const USAGE_REPORTER = join(import.meta.dirname, 'usage-reporter.ts')
/** The option of `npm start`: docs/decisions/0010-one-helper-thread.md. */
const ONE_HELPER_THREAD = '--v8-pool-size=1'
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000
/** A log that has not grown for so long is complete. */
const LOG_QUIET_MS = 50

/** Starts Aisle in its production configuration. The rate limit counts every request, but is too high to be reached. */
export function startAisle({ env, logFile }: ServerUnderTestOptions): Promise<ServerUnderTest> {
  const production = { HOST: '127.0.0.1', PORT: '0', RATE_LIMIT_MAX_REQUESTS: '1000000000', SHUTDOWN_DRAIN_MS: '0' }
  return startServer(AISLE, { env: { ...env, ...production }, logFile })
}

/**
 * Starts a server program and waits until it listens. Its standard error is that of this process.
 * @throws {Error} when it ends, or does not listen in time
 */
export async function startServer(
  file: string,
  { args = [], env, logFile }: ServerUnderTestOptions
): Promise<ServerUnderTest> {
  const log = await open(logFile, 'a')
  const child = fork(file, args, {
    env: { ...env, NODE_ENV: 'production' },
    execArgv: [ONE_HELPER_THREAD, '--import', USAGE_REPORTER],
    stdio: ['ignore', log.fd, 'inherit', 'ipc']
  })
  const exited = once(child, 'exit')
  const hasEnded = exited.then(([code, signal]) => {
    throw new Error(`${file} ended with ${code ?? signal}`)
  })
  hasEnded.catch(() => {})

  async function nextReport<T>(select: (report: UsageReport) => T | undefined): Promise<T> {
    const signal = AbortSignal.timeout(START_TIMEOUT_MS)
    while (true) {
      const [report] = await Promise.race([once(child, 'message', { signal }), hasEnded])
      const selected = select(report)
      if (selected !== undefined) return selected
    }
  }

  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
    await log.close()
  }

  try {
    const port = await nextReport((report) => ('port' in report ? report.port : undefined))
    return {
      port,
      stop,
      usage() {
        child.send('usage')
        return nextReport((report) => ('usage' in report ? report.usage : undefined))
      },
      async clearLog() {
        // Loggers write later, and under load much later.
        let size: number
        do {
          size = (await log.stat()).size
          await wait(LOG_QUIET_MS)
        } while ((await log.stat()).size !== size)
        await log.truncate()
        return size
      }
    }
  } catch (error) {
    await stop()
    throw error
  }
}
