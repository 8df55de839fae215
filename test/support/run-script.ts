import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { toEnvironment } from './service.ts'

const SCRIPTS = join(import.meta.dirname, '../../scripts')

type Command = 'import' | 'keys' | 'seed' | 'sync' | 'webhooks'

export interface Outcome {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Run {
  child: ChildProcessWithoutNullStreams
  outcome: Promise<Outcome>
}

/** Starts one of our commands on the database of a test, where there is no terminal; killed with the test. */
export function startScript(t: Test, config: Config, name: Command, args: readonly string[]): Run {
  const child = spawn(process.execPath, [join(SCRIPTS, `${name}.ts`), ...args], {
    env: { ...process.env, ...toEnvironment(config) }
  })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text
    })
  }
  // A command may end before it has read all of its input.
  child.stdin.on('error', () => {})
  t.teardown(() => child.kill('SIGKILL'))
  return { child, outcome: once(child, 'close').then(([status, signal]) => ({ status, signal, ...output })) }
}

/** Runs a command to its end, with this as its standard input. */
export function runScript(t: Test, config: Config, name: Command, args: readonly string[], input = '') {
  const { child, outcome } = startScript(t, config, name, args)
  child.stdin.end(input)
  return outcome
}
