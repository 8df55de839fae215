import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ReadableError } from '../readable-error.ts'
import type { Engine, OnStep } from './engine.ts'
import { findUnpackedServer, type ServerProgram } from './find-servers.ts'

/** Options of a download. */
export interface FetchOptions {
  onStep: OnStep
  signal: AbortSignal
}

/** Runs apt-get in a folder, and resolves with its standard output. */
type Apt = (args: readonly string[], cwd?: string) => Promise<string>

/** Packages to try in this order: releases of Debian and Ubuntu offer different ones. */
const PACKAGE_SETS = [
  ['redis-server', 'mariadb-server-core', 'mariadb-client-core'],
  ['redis-server', 'mysql-server-core-8.4'],
  ['redis-server', 'mysql-server-core-8.0']
]
const TIMEOUT_MS = 120_000

const run = promisify(execFile)

/** The current download: both engines come from the same packages, and start at the same time. */
let fetching: Promise<void> | undefined

/**
 * Provides a server from Debian or Ubuntu packages, unpacked into the user's cache folder: without root, and without
 * installing anything. Reuses packages that an earlier call unpacked.
 * @throws {Error} when there is no apt-get, it fails, or the packages have no recent enough server
 */
export async function fetchServer(engine: Engine, options: FetchOptions): Promise<ServerProgram> {
  const cacheFolder = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const tree = join(cacheFolder, 'aisle', 'engines', await nameRelease())
  const cached = await findUnpackedServer(engine, tree)
  if (cached !== undefined) return cached

  fetching ??= fetchPackages(tree, options).finally(() => {
    fetching = undefined
  })
  await fetching
  const program = await findUnpackedServer(engine, tree)
  if (program === undefined) throw new ReadableError(`The packages in ${tree} have no recent enough server.`)
  return program
}

/** Names the system, its release and the processor, such as `debian-12-x64`. */
async function nameRelease(): Promise<string> {
  // Only Linux has this file, and only Linux has these packages.
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const [id, version] = ['ID', 'VERSION_ID'].map((key) => new RegExp(`^${key}="?([\\w.-]+)`, 'm').exec(text)?.[1])
  return [id ?? process.platform, version ?? 'rolling', process.arch].join('-')
}

/** Downloads and unpacks packages into `tree`, and replaces what was there. */
async function fetchPackages(tree: string, { onStep, signal }: FetchOptions): Promise<void> {
  const startedAt = performance.now()
  await mkdir(dirname(tree), { recursive: true })
  const workFolder = await mkdtemp(`${tree}.new-`)
  try {
    const newTree = join(workFolder, 'tree')
    for (const file of await download(workFolder, signal)) await run('dpkg-deb', ['-x', file, newTree], { signal })
    // An interrupted run leaves a complete tree or none.
    await rm(tree, { recursive: true, force: true })
    await rename(newTree, tree)
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
  onStep('engines fetched', performance.now() - startedAt)
}

/** Downloads with the package lists of the system, or with fresh private ones when those are missing or outdated. */
async function download(workFolder: string, signal: AbortSignal): Promise<string[]> {
  const env = { ...process.env, LC_ALL: 'C' }
  const systemApt: Apt = async (args, cwd) => {
    const { stdout } = await run('apt-get', args, { cwd, env, signal, timeout: TIMEOUT_MS })
    return stdout
  }
  try {
    return await downloadWith(systemApt, join(workFolder, 'packages'))
  } catch (error) {
    if (signal.aborted) throw error
    if (isMissing(error)) throw new ReadableError('There is no apt-get to fetch packages with.')
    const freshApt = await updateLists(systemApt, workFolder)
    return await downloadWith(freshApt, join(workFolder, 'fresh-packages'))
  }
}

async function updateLists(apt: Apt, workFolder: string): Promise<Apt> {
  await mkdir(join(workFolder, 'lists/partial'), { recursive: true })
  await mkdir(join(workFolder, 'cache/archives/partial'), { recursive: true })
  const options = ['-o', `Dir::State::lists=${workFolder}/lists`, '-o', `Dir::Cache=${workFolder}/cache`]
  // One broken source fails the whole update. The next step shows whether the other sources are enough.
  await apt([...options, '-o', 'Acquire::Languages=none', 'update']).catch(() => undefined)
  return (args, cwd) => apt([...options, ...args], cwd)
}

async function downloadWith(apt: Apt, folder: string): Promise<string[]> {
  await mkdir(folder)
  await apt(['download', ...(await choosePackages(apt))], folder)
  return (await readdir(folder)).map((file) => join(folder, file))
}

/** Chooses the first available set, with the dependencies that the system lacks. */
async function choosePackages(apt: Apt): Promise<string[]> {
  let failure: unknown
  for (const names of PACKAGE_SETS) {
    try {
      const plan = await apt(['install', '--simulate', '--no-install-recommends', ...names])
      const missing = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? '')
      return [...new Set([...names, ...missing])]
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
