import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ReadableError } from '../readable-error.ts'
import { isMysqlReady } from './engine.ts'
import { explainFailure, requireRoom } from './explain-failure.ts'
import type { ServerProgram } from './find-servers.ts'
import { serverEnvironment } from './find-servers.ts'
import type { ServerProcess } from './server-process.ts'
import { createServerProcess } from './server-process.ts'

/** Options of a MySQL or MariaDB process. */
export interface MysqlServerOptions {
  program: ServerProgram
  /** The folder that `initialiseMysql` made. */
  dataFolder: string
  socketPath: string
  logFile: string
  /** False for throw-away data: faster; data survive a crash of the process, but not of the machine. */
  isDurable: boolean
}

const INITIALISE_TIMEOUT_MS = 120_000
const MARIADB_SCRIPTS = ['mariadb-install-db', '../bin/mariadb-install-db', '../scripts/mariadb-install-db']

const run = promisify(execFile)

/** Creates a MySQL or MariaDB on a Unix socket, without TCP. `root` needs no password. */
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
      // Every MariaDB that starts clears the shared temporary folder.
      `--tmpdir=${temporaryFolder}`,
      ...unpackedLocations(program.tree),
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      `--socket=${socketPath}`,
      `--log-error=${logFile}`,
      '--skip-networking',
      // The default folder of MySQL packages belongs to the system-wide server.
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

/**
 * Makes an empty database in `dataFolder`; its `root` has no password. The folder appears only when it is complete, so
 * an interrupted run leaves nothing that looks like data.
 * @throws {ReadableError} when the engine fails, or the disk is full
 */
export async function initialiseMysql(program: ServerProgram, dataFolder: string, signal: AbortSignal): Promise<void> {
  const parent = dirname(dataFolder)
  const prefix = `${basename(dataFolder)}.new-`
  await mkdir(parent, { recursive: true })
  await removeUnfinished(parent, prefix)
  requireRoom(parent)

  const workFolder = await mkdtemp(join(parent, prefix))
  const newFolder = join(workFolder, 'data')
  await mkdir(newFolder)
  const [file, args] = installCommand(program, newFolder)
  // A starting MariaDB deletes files of other servers from a shared temporary folder.
  const env = { ...serverEnvironment(program.tree), TMPDIR: workFolder }
  try {
    await run(file, args, { cwd: workFolder, env, signal, timeout: INITIALISE_TIMEOUT_MS })
    await rename(newFolder, dataFolder)
  } catch (error) {
    if (signal.aborted) throw error
    throw explainFailure(`${program.file} could not create a database`, parent, outputOf(error), error)
  } finally {
    await rm(workFolder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function unpackedLocations(tree: string | undefined): string[] {
  return tree === undefined
    ? []
    : [`--basedir=${join(tree, 'usr')}`, `--lc-messages-dir=${join(tree, 'usr/share/mysql')}`]
}

function installCommand({ family, file }: ServerProgram, folder: string): [string, string[]] {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  if (family === 'MySQL') return [file, ['--no-defaults', '--initialize-insecure', `--datadir=${folder}`, ...user]]
  const script = MARIADB_SCRIPTS.map((path) => join(dirname(file), path)).find((path) => existsSync(path))
  if (script === undefined) throw new ReadableError(`There is no mariadb-install-db beside ${file}.`)
  return [
    script,
    [
      '--no-defaults',
      `--basedir=${dirname(dirname(file))}`,
      // The script fails on absolute paths with spaces; this one is relative to its working folder.
      `--datadir=./${basename(folder)}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      ...user
    ]
  ]
}

async function removeUnfinished(parent: string, prefix: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  for (const name of names) await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 })
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { stdout, stderr } = error as { stdout?: string; stderr?: string }
  return `${error.message}\n${stdout ?? ''}\n${stderr ?? ''}`
}
