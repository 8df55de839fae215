import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { watch } from 'node:fs'
import { join } from 'node:path'
import { printHelp } from './command-line.ts'
import { runCommand } from './run-command.ts'

const USAGE = `npm run dev

Runs npm start, and restarts the server when a source file changes.`

const BOOTSTRAP = join(import.meta.dirname, 'bootstrap.cjs')
const WATCHED_FOLDERS = ['src', 'plugins', 'routes', 'schemas', 'migrations']
/** Editors write a file in several steps, and a checkout writes many files: restart once. */
const SETTLE_MS = 100

printHelp(USAGE)

// This command holds the engines as well, so that they keep running between two starts.
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

/** Starts a server that ends when this process ends, because its channel closes. */
function start(): ChildProcess {
  return fork(BOOTSTRAP, ['start', ...process.argv.slice(2)])
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGTERM')
  await once(server, 'exit')
}
