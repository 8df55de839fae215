import { cpSync, existsSync, mkdtempSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findProcesses } from './processes.ts'
import { waitFor } from './wait-for.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const COPIED = [
  'package.json',
  'package-lock.json',
  'scripts',
  'src',
  'plugins',
  'routes',
  'schemas',
  'tools',
  'migrations'
]

/** A copy of this repository with nothing but its dependencies installed. Removed with the test, and all it runs. */
export function makeClone(t: Test): string {
  const clone = realpathSync(mkdtempSync(join(tmpdir(), 'aisle-clone-')))
  for (const name of COPIED) cpSync(join(REPOSITORY, name), join(clone, name), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(clone, 'node_modules'))
  t.teardown(async () => {
    await killAll(clone)
    if (existsSync(linkOf(clone))) rmSync(runtimeFolderOf(clone), { recursive: true })
    rmSync(clone, { recursive: true, force: true })
  })
  return clone
}

/** Kills, with SIGKILL, whatever runs in or for a clone, or what of it has `pattern` in its command line. */
export async function killAll(clone: string, pattern = /(?:)/): Promise<void> {
  const victims = stopAll(clone, pattern)
  for (const pid of victims) process.kill(pid, 'SIGKILL')
  await waitFor('the killed processes are gone', () => !findProcesses(clone).some(({ pid }) => victims.has(pid)))
}

/** Nobody who was stopped acts on the end of another one, nor starts anybody. */
function stopAll(clone: string, pattern: RegExp): ReadonlySet<number> {
  const stopped = new Set<number>()
  for (;;) {
    const running = findProcesses(clone).filter(({ pid, args }) => pattern.test(args) && !stopped.has(pid))
    if (running.length === 0) return stopped
    for (const { pid } of running) {
      process.kill(pid, 'SIGSTOP')
      stopped.add(pid)
    }
  }
}

/** Waits until nothing runs in or for a clone, and the folder of its sockets is gone. */
export async function untilNothingIsLeft(clone: string): Promise<void> {
  const isGone = () => findProcesses(clone).length === 0 && !existsSync(linkOf(clone))
  await waitFor('nothing is left', isGone).catch(() => {
    throw new Error(`still there: ${JSON.stringify(findProcesses(clone), null, 2)}`)
  })
}

/** Where the private engines of a clone have their sockets, while they run. */
export function runtimeFolderOf(clone: string): string {
  return readlinkSync(linkOf(clone))
}

function linkOf(clone: string): string {
  return join(clone, '.data/development/run')
}
