import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Engine } from './engine.ts'

/** The product that a server program is. */
export type Family = 'MariaDB' | 'MySQL' | 'Redis' | 'Valkey'

/** A server program on this machine, recent enough to use. */
export interface ServerProgram {
  family: Family
  version: string
  file: string
  /** The folder of the unpacked packages that contain it; undefined for an installed program. */
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

/** Lists the usable installed servers: first those on PATH, then those in the folders of packages and of Homebrew. */
export async function findInstalledServers(engine: Engine): Promise<ServerProgram[]> {
  const homebrewFolders = HOMEBREW_FOLDERS.flatMap((folder) => listFolder(folder, HOMEBREW_FORMULAS))
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...SYSTEM_FOLDERS,
    ...homebrewFolders.map((folder) => join(folder, 'bin'))
  ]
  return await findServers(engine, folders)
}

/** Finds the usable server in a folder of unpacked packages. */
export async function findUnpackedServer(engine: Engine, tree: string): Promise<ServerProgram | undefined> {
  const [program] = await findServers(engine, [join(tree, 'usr/sbin'), join(tree, 'usr/bin')], tree)
  return program
}

/** Returns the environment variables of a server process: an unpacked server finds its libraries by them. */
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
  // Symbolic links may give one program several names. Keep a name, not the target: some programs check their own name.
  const byTarget = new Map(files.toReversed().map((file) => [realpathSync(file), file]))
  const distinct = files.filter((file) => byTarget.get(realpathSync(file)) === file)
  const programs = await Promise.all([...new Set(distinct)].map((file) => identify(engine, file, tree)))
  return programs.filter((program) => program !== null)
}

/** Asks a program for its version. Returns null if it is too old, or not what its name suggests. */
async function identify(engine: Engine, file: string, tree: string | undefined): Promise<ServerProgram | null> {
  const options = { env: serverEnvironment(tree), timeout: VERSION_TIMEOUT_MS }
  // A program that fails here cannot be used.
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
    // There is no such file, or it is not ours to execute.
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
