import { fork } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Report, Usage } from './usage-reporter.ts'

/** A server under test: a process of its own, in production, its log in a file. */
export interface ServerUnderTest {
  readonly port: number
  usage(): Promise<Usage>
  /** Waits until all of the log is written, empties it, and answers how long it was. */
  clearLog(): Promise<number>
  stop(): Promise<void>
}

export interface ServerUnderTestOptions {
  args?: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** Takes what the server writes to standard output. */
  logFile: string
}

const AISLE = join(import.meta.dirname, '../src/server.ts')
const USAGE_REPORTER = join(import.meta.dirname, 'usage-reporter.ts')
/** As in production: docs/decisions/0010-one-helper-thread.md. */
const ONE_HELPER_THREAD = '--v8-pool-size=1'
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000
/** No log grows in steps further apart, as long as there is something to write. */
const LOG_QUIET_MS = 50

/** Starts Aisle as an operator would, but for a limit that no benchmark reaches: each request is counted all the same. */
export function startAisle({ env, logFile }: ServerUnderTestOptions): Promise<ServerUnderTest> {
  const production = { HOST: '127.0.0.1', PORT: '0', RATE_LIMIT_MAX_REQUESTS: '1000000000', SHUTDOWN_DRAIN_MS: '0' }
  return startServer(AISLE, { env: { ...env, ...production }, logFile })
}

/** @throws when the server doesn't listen in time; its standard error is this process's */
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

  async function nextReport<T>(select: (report: Report) => T | undefined): Promise<T> {
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
        // Loggers write behind; under load, far behind.
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
