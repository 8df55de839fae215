import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isRedisReady } from './engine.ts'
import type { ServerProgram } from './find-servers.ts'
import { serverEnvironment } from './find-servers.ts'
import type { ServerProcess } from './server-process.ts'
import { createServerProcess } from './server-process.ts'

/** Options of a Redis or Valkey process. */
export interface RedisServerOptions {
  program: ServerProgram
  socketPath: string
  logFile: string
  /** Additional arguments, which override the defaults. */
  args?: readonly string[]
}

/** Creates a Redis or Valkey on a Unix socket, without persistence. */
export function createRedisServer({ program, socketPath, logFile, args = [] }: RedisServerOptions): ServerProcess {
  const folder = dirname(logFile)
  mkdirSync(folder, { recursive: true })
  return createServerProcess({
    label: `${program.family} ${program.version}`,
    file: program.file,
    args: [
      ['--port', '0'],
      ['--bind', '127.0.0.1'],
      ['--unixsocket', socketPath],
      ['--unixsocketperm', '700'],
      ['--save', ''],
      ['--appendonly', 'no'],
      ['--dir', folder],
      ['--logfile', logFile],
      // A new process title would hide the log file, by which the process is recognised.
      ['--set-proc-title', 'no'],
      args
    ].flat(),
    env: serverEnvironment(program.tree),
    logFile,
    pidFile: `${logFile}.pid`,
    dataFolder: folder,
    isReady: () => isRedisReady({ path: socketPath })
  })
}
