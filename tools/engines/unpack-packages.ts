import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ReadableError } from '../readable-error.ts'

const TIMEOUT_MS = 120_000

const run = promisify(execFile)

/** Runs apt-get in a folder, and resolves with what it wrote. */
type Apt = (args: readonly string[], cwd?: string) => Promise<string>

/**
 * Downloads the first set of packages that can be had, with what they need and the system lacks, and unpacks it into
 * the folder `tree`, in place of what was there.
 * @throws {ReadableError} where there is no apt; what apt says, where it fails
 */
export async function unpackPackages(
  sets: readonly (readonly string[])[],
  tree: string,
  signal: AbortSignal
): Promise<void> {
  await mkdir(dirname(tree), { recursive: true })
  const workFolder = await mkdtemp(`${tree}.new-`)
  try {
    const newTree = join(workFolder, 'tree')
    for (const file of await download(sets, workFolder, signal))
      await run('dpkg-deb', ['-x', file, newTree], { signal })
    // Complete, or not there at all, whenever this is killed.
    await rm(tree, { recursive: true, force: true })
    await rename(newTree, tree)
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** Names the system, the release and the processor that packages are for. */
export async function nameRelease(): Promise<string> {
  // Only Linux has this file, and only there are packages to be had.
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const [id, version] = ['ID', 'VERSION_ID'].map((key) => new RegExp(`^${key}="?([\\w.-]+)`, 'm').exec(text)?.[1])
  return [id ?? process.platform, version ?? 'rolling', process.arch].join('-')
}

/** With the system's lists of packages, or with fresh ones of our own where those are missing or out of date. */
async function download(
  sets: readonly (readonly string[])[],
  workFolder: string,
  signal: AbortSignal
): Promise<string[]> {
  const env = { ...process.env, LC_ALL: 'C' }
  const systemApt: Apt = async (args, cwd) => {
    const { stdout } = await run('apt-get', args, { cwd, env, signal, timeout: TIMEOUT_MS })
    return stdout
  }
  try {
    return await downloadWith(systemApt, sets, join(workFolder, 'packages'))
  } catch (error) {
    if (signal.aborted) throw error
    if (isMissing(error)) throw new ReadableError('there is no apt-get to fetch packages with')
    const freshApt = await updateLists(systemApt, workFolder)
    return await downloadWith(freshApt, sets, join(workFolder, 'fresh-packages'))
  }
}

async function updateLists(apt: Apt, workFolder: string): Promise<Apt> {
  await mkdir(join(workFolder, 'lists/partial'), { recursive: true })
  await mkdir(join(workFolder, 'cache/archives/partial'), { recursive: true })
  const options = ['-o', `Dir::State::lists=${workFolder}/lists`, '-o', `Dir::Cache=${workFolder}/cache`]
  // One broken source of several fails an update as a whole. Whether the others will do shows in the next step.
  await apt([...options, '-o', 'Acquire::Languages=none', 'update']).catch(() => undefined)
  return (args, cwd) => apt([...options, ...args], cwd)
}

async function downloadWith(apt: Apt, sets: readonly (readonly string[])[], folder: string): Promise<string[]> {
  await mkdir(folder)
  await apt(['download', ...(await choosePackages(apt, sets))], folder)
  return (await readdir(folder)).map((file) => join(folder, file))
}

async function choosePackages(apt: Apt, sets: readonly (readonly string[])[]): Promise<string[]> {
  let failure: unknown
  for (const names of sets) {
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
