import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

export type Engine = 'database' | 'redis'
export type Family = 'MariaDB' | 'MySQL' | 'Redis' | 'Valkey'

/** A server program that this machine can run. */
export interface ServerProgram {
  family: Family
  version: string
  file: string
  /** The root of the unpacked packages that it lives in; undefined where it is installed. */
  tree: string | undefined
}

const PROGRAM_NAMES: Record<Engine, readonly string[]> = {
  database: ['mariadbd', 'mysqld'],
  redis: ['redis-server', 'valkey-server']
}
const VERSION_ARGUMENTS: Record<Engine, readonly string[]> = {
  database: ['--no-defaults', '--version'],
  redis: ['--version']
}
const MINIMUM_VERSIONS: Record<Family, readonly [number, number]> = {
  MariaDB: [10, 11],
  MySQL: [8, 0],
  Redis: [7, 0],
  Valkey: [7, 2]
}
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin']
const HOMEBREW_FOLDERS = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt']
const HOMEBREW_FORMULAS = /^(mariadb|mysql|redis|valkey)(@|$)/
const VERSION_TIMEOUT_MS = 10_000

const run = promisify(execFile)

/** Lists the usable servers that are installed: those on PATH first, then those where packages and Homebrew put them. */
export async function findInstalledServers(engine: Engine): Promise<ServerProgram[]> {
  const homebrewFolders = HOMEBREW_FOLDERS.flatMap((folder) => listFolder(folder, HOMEBREW_FORMULAS))
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...SYSTEM_FOLDERS,
    ...homebrewFolders.map((folder) => join(folder, 'bin'))
  ]
  return await findServers(engine, folders)
}

/** Finds the server in a tree of unpacked packages. */
export async function findUnpackedServer(engine: Engine, tree: string): Promise<ServerProgram | undefined> {
  const [program] = await findServers(engine, [join(tree, 'usr/sbin'), join(tree, 'usr/bin')], tree)
  return program
}

/** The environment to run a server in: an unpacked one finds its libraries in its tree. */
export function serverEnvironment(tree: string | undefined): NodeJS.ProcessEnv {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8' }
  if (tree === undefined) return env
  const folders = ['usr/lib', 'lib'].flatMap((folder) => listFolder(join(tree, folder), /-linux-gnu/))
  return { ...env, LD_LIBRARY_PATH: [...folders, join(tree, 'usr/lib/mysql/private')].join(delimiter) }
}

async function findServers(engine: Engine, folders: readonly string[], tree?: string): Promise<ServerProgram[]> {
  const files = folders
    .flatMap((folder) => PROGRAM_NAMES[engine].map((name) => join(folder, name)))
    .filter(isExecutable)
  // One program may have several names. They must be called by these all the same: some look at their own name.
  const byTarget = new Map(files.toReversed().map((file) => [realpathSync(file), file]))
  const distinct = files.filter((file) => byTarget.get(realpathSync(file)) === file)
  const programs = await Promise.all([...new Set(distinct)].map((file) => identify(engine, file, tree)))
  return programs.filter((program) => program !== null)
}

/** Null where the program is too old, or not what its name says. */
async function identify(engine: Engine, file: string, tree: string | undefined): Promise<ServerProgram | null> {
  const options = { env: serverEnvironment(tree), timeout: VERSION_TIMEOUT_MS }
  // A program that can't even say its version is of no use.
  const { stdout } = await run(file, VERSION_ARGUMENTS[engine], options).catch(() => ({ stdout: '' }))
  const version = /(?:Ver |v=)(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  const family = familyOf(stdout)
  if (version === undefined || family === null || !isRecent(version, MINIMUM_VERSIONS[family])) return null
  return { family, version, file, tree }
}

function familyOf(text: string): Family | null {
  if (text.startsWith('Redis server')) return 'Redis'
  if (text.startsWith('Valkey server')) return 'Valkey'
  if (text.includes('MariaDB')) return 'MariaDB'
  return text.includes('Ver ') ? 'MySQL' : null
}

function isRecent(version: string, [major, minor]: readonly [number, number]): boolean {
  const [actualMajor = 0, actualMinor = 0] = version.split('.').map(Number)
  return actualMajor > major || (actualMajor === major && actualMinor >= minor)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // It isn't there, or isn't for us.
    return false
  }
}

function listFolder(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .map((entry) => join(folder, entry))
  } catch {
    // This machine has no such folder.
    return []
  }
}
