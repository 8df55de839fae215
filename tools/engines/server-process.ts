import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadableError } from '../readable-error.ts'
import { explainFailure } from './explain-failure.ts'

/** The command line of a server, with its files. */
export interface ServerCommand {
  /** The name to show to people, such as `MariaDB 10.11.19`. */
  label: string
  file: string
  /** The arguments, which must contain `logFile`: by it the process is recognised as ours. */
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  pidFile: string
  dataFolder: string
  isReady: () => Promise<boolean>
}

/** A server in a child process. It ends, at the latest, with this process. */
export interface ServerProcess {
  readonly label: string
  readonly pid: number
  /** Starts the server and resolves when it answers. After `stop` or `kill`, it starts again on the same data. */
  start(): Promise<void>
  /** Takes over the process that a killed owner left running. Returns false without one; stops one that does not answer. */
  adopt(): Promise<boolean>
  /** Sends SIGTERM, and SIGKILL after `timeoutMs`. */
  stop(timeoutMs?: number): Promise<void>
  /** Sends SIGKILL. */
  kill(): Promise<void>
  /** Sends SIGSTOP. */
  pause(): void
  /** Sends SIGCONT. */
  resume(): void
  /** A callback for an unexpected end. */
  onLost: (() => void) | null
}

/** After a crash, a database first recovers its data. */
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 15_000
const POLL_MS = 15

/** Creates a server process, which `start` runs. */
export function createServerProcess(command: ServerCommand): ServerProcess {
  const { label, logFile, pidFile } = command
  let pid = 0
  let isWanted = false

  const isRunning = () => pid !== 0 && isOurs(pid, logFile)
  const signal = (name: NodeJS.Signals) => {
    if (isRunning()) process.kill(pid, name)
  }
  const killNow = () => signal('SIGKILL')
  const markWanted = () => {
    isWanted = true
    process.on('exit', killNow)
  }

  const server: ServerProcess = {
    label,
    get pid() {
      return pid
    },
    onLost: null,
    async start() {
      const child = launch(command)
      pid = child.pid ?? 0
      markWanted()
      child.once('exit', () => {
        if (isWanted) server.onLost?.()
      })
      try {
        writeFileSync(pidFile, String(pid))
        await untilReady(command, child)
      } catch (error) {
        await server.kill()
        if (error instanceof ReadableError) throw error
        throw explainFailure(`${label} did not start`, command.dataFolder, String(error), error)
      }
    },
    async adopt() {
      pid = readPid(pidFile)
      if (!isRunning()) return false
      markWanted()
      if (await command.isReady()) return true
      await server.stop()
      return false
    },
    async stop(timeoutMs = STOP_TIMEOUT_MS) {
      isWanted = false
      signal('SIGCONT')
      signal('SIGTERM')
      const deadline = Date.now() + timeoutMs
      while (isRunning() && Date.now() < deadline) await sleep(POLL_MS)
      await server.kill()
    },
    async kill() {
      isWanted = false
      killNow()
      while (isRunning()) await sleep(POLL_MS)
      process.off('exit', killNow)
      rmSync(pidFile, { force: true })
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT')
  }
  return server
}

/** Detaches the server from the terminal: at Ctrl-C, the command still needs it to finish its work. */
function launch({ file, args, env, logFile }: ServerCommand): ChildProcess {
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(file, args, { env, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  child.unref()
  return child
}

async function untilReady({ label, dataFolder, logFile, isReady }: ServerCommand, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  let failure: Error | null = null
  child.once('error', (error) => {
    failure = error
  })
  for (;;) {
    const isOver = failure !== null || child.exitCode !== null || child.signalCode !== null
    if (isOver || Date.now() > deadline) {
      const log = readFileSync(logFile, 'utf8')
      throw explainFailure(`${label} did not start (${logFile})`, dataFolder, `${failure ?? ''}\n${log}`, failure)
    }
    if (await isReady()) return
    await sleep(POLL_MS)
  }
}

function readPid(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || 0
  } catch {
    // No earlier owner left a process.
    return 0
  }
}

/** Checks the command line: the system may have given the process id to another program. */
function isOurs(pid: number, logFile: string): boolean {
  try {
    return commandLine(pid).includes(logFile)
  } catch {
    // There is no such process.
    return false
  }
}

function commandLine(pid: number): string {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
}
