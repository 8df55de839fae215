import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { waitFor } from './wait-for.ts'

/** A command under way in a clone, in a process group of its own, as a terminal would have it. */
export interface Run {
  process: ChildProcess
  /** What it has written so far, to either stream. */
  output(): string
  /** Waits until it has written this. */
  untilOutput(pattern: RegExp): Promise<RegExpExecArray>
  /** Signals the whole group, as Ctrl-C does. */
  signalGroup(signal: NodeJS.Signals): void
  /** Its exit status, or the name of the signal that ended it, after all that it wrote. */
  ended: Promise<number | NodeJS.Signals>
}

/** Variables that would make a command part of the npm that runs the tests, or configure it. */
const NOT_INHERITED = /^(npm_|NODE_|TAP|_TAP|TEST_|DB_|REDIS_|PORT$|HOST$|INIT_CWD$)/

/** Files of a clone are not those whose coverage is asked for; measuring them would slow every process down. */
const NOT_COVERED = { _TAPJS_PROCESSINFO_COVERAGE_: '0' }

/** Runs `npm ARGS` in a clone. */
export function runNpm(clone: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  return run(clone, 'npm', args, env)
}

/** Runs the bootstrap in a clone, without npm. */
export function runBootstrap(clone: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  return run(clone, process.execPath, ['scripts/bootstrap.cjs', ...args], env)
}

/** Runs a shell script in a clone, to its end or its first failure. */
export function runShell(clone: string, script: string): Run {
  return run(clone, 'sh', ['-ec', script], {})
}

function run(cwd: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name)))
  const options = { cwd, env: { ...inherited, ...NOT_COVERED, ...env }, detached: true }
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let isOver = false
  const collect = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = once(child, 'close').then(([status, signal]) => {
    isOver = true
    return status ?? signal
  })
  return {
    process: child,
    output: () => output,
    async untilOutput(pattern) {
      await waitFor(`${pattern}`, () => isOver || pattern.test(output)).catch(() => {})
      const match = pattern.exec(output)
      if (match === null) throw new Error(`no ${pattern} ${isOver ? 'to the end' : 'yet'}:\n${output}`)
      return match
    },
    signalGroup: (signal) => process.kill(-(child.pid ?? 0), signal),
    ended
  }
}
