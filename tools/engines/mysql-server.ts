import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ServerProgram } from './find-servers.ts'
import { serverEnvironment } from './find-servers.ts'
import { isMysqlReady } from './probe-server.ts'
import type { ServerProcess } from './server-process.ts'
import { createServerProcess } from './server-process.ts'

export interface MysqlServerOptions {
  program: ServerProgram
  /** Made by `initialiseMysql`. */
  dataFolder: string
  socketPath: string
  logFile: string
  /** False for throw-away data: faster; survives the death of the process, but not of the machine. */
  isDurable: boolean
}

/** A MySQL or MariaDB on a Unix socket, for whoever reaches that socket. */
export function createMysqlServer(options: MysqlServerOptions): ServerProcess {
  const { program, dataFolder, socketPath, logFile, isDurable } = options
  const temporaryFolder = `${dataFolder}.tmp`
  mkdirSync(temporaryFolder, { recursive: true })
  mkdirSync(dirname(logFile), { recursive: true })
  return createServerProcess({
    label: `${program.family} ${program.version}`,
    file: program.file,
    args: [
      '--no-defaults',
      `--datadir=${dataFolder}`,
      // A shared one is cleared by every other MariaDB that starts.
      `--tmpdir=${temporaryFolder}`,
      ...unpackedLocations(program.tree),
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      `--socket=${socketPath}`,
      `--log-error=${logFile}`,
      '--skip-networking',
      // The folder that packages of MySQL name belongs to a system-wide server.
      ...(program.family === 'MySQL' ? ['--mysqlx=OFF', '--secure-file-priv=NULL'] : []),
      '--skip-name-resolve',
      '--skip-log-bin',
      '--character-set-server=utf8mb4',
      '--local-infile=ON',
      '--performance-schema=OFF',
      '--innodb-buffer-pool-size=256M',
      ...(isDurable
        ? ['--innodb-flush-log-at-trx-commit=1']
        : ['--innodb-flush-log-at-trx-commit=2', '--innodb-doublewrite=OFF'])
    ],
    env: serverEnvironment(program.tree),
    logFile,
    pidFile: `${logFile}.pid`,
    dataFolder,
    isReady: () => isMysqlReady({ path: socketPath })
  })
}

function unpackedLocations(tree: string | undefined): string[] {
  return tree === undefined
    ? []
    : [`--basedir=${join(tree, 'usr')}`, `--lc-messages-dir=${join(tree, 'usr/share/mysql')}`]
}
