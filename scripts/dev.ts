import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { watch } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

const BOOTSTRAP = join(import.meta.dirname, 'bootstrap.cjs')
const WATCHED_FOLDERS = ['src', 'plugins', 'routes', 'schemas', 'migrations']
/** An editor writes a file in several steps, and a checkout many files. */
const SETTLE_MS = 100

// In an environment of its own: so the engines outlive each single start.
await runCommand(async () => {
  const reasons = new EventEmitter()
  let isStopping = false
  let timer: NodeJS.Timeout | undefined
  for (const folder of WATCHED_FOLDERS) {
    watch(join(import.meta.dirname, '..', folder), { recursive: true }, () => {
      clearTimeout(timer)
      timer = setTimeout(() => reasons.emit('restart'), SETTLE_MS)
    })
  }
  const stopAll = () => {
    isStopping = true
    reasons.emit('restart')
  }
  process.on('SIGINT', stopAll).on('SIGTERM', stopAll)

  while (!isStopping) {
    const server = start()
    await once(reasons, 'restart')
    await stop(server)
  }
})

/** It ends by itself when this process is gone, as its channel then is. */
function start(): ChildProcess {
  return fork(BOOTSTRAP, ['start', ...process.argv.slice(2)])
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}
