import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServerProgram } from './find-servers.ts'
import { serverEnvironment } from './find-servers.ts'
import { isRedisReady } from './probe-server.ts'
import type { ServerProcess } from './server-process.ts'
import { createServerProcess } from './server-process.ts'

export interface RedisServerOptions {
  program: ServerProgram
  socketPath: string
  logFile: string
  /** More arguments, which override those given here. */
  args?: readonly string[]
}

/** A Redis or Valkey that keeps nothing on disk, on a Unix socket. */
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
      // Else its command line no longer says whose it is.
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
