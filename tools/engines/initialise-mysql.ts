import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ReadableError } from '../readable-error.ts'
import { explainFailure, requireRoom } from './explain-failure.ts'
import type { ServerProgram } from './find-servers.ts'
import { serverEnvironment } from './find-servers.ts'

const TIMEOUT_MS = 120_000
const MARIADB_SCRIPTS = ['mariadb-install-db', '../bin/mariadb-install-db', '../scripts/mariadb-install-db']

const run = promisify(execFile)

/**
 * Makes an empty database, whose `root` has no password, in `dataFolder`. The folder appears when it is complete: what
 * was killed half-way is never taken for data.
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
  const [file, args] = installer(program, newFolder)
  // A MariaDB that starts clears the temporary folder of what looks like another one's remains.
  const env = { ...serverEnvironment(program.tree), TMPDIR: workFolder }
  try {
    await run(file, args, { cwd: workFolder, env, signal, timeout: TIMEOUT_MS })
    await rename(newFolder, dataFolder)
  } catch (error) {
    if (signal.aborted) throw error
    throw explainFailure(`${program.file} could not make a database`, parent, outputOf(error), error)
  } finally {
    await rm(workFolder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function installer({ family, file }: ServerProgram, folder: string): [string, string[]] {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  if (family === 'MySQL') return [file, ['--no-defaults', '--initialize-insecure', `--datadir=${folder}`, ...user]]
  const script = MARIADB_SCRIPTS.map((path) => join(dirname(file), path)).find((path) => existsSync(path))
  if (script === undefined) throw new ReadableError(`There is no mariadb-install-db beside ${file}.`)
  return [
    script,
    [
      '--no-defaults',
      `--basedir=${dirname(dirname(file))}`,
      // The script stumbles over a path with spaces; this one is relative to where it runs.
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
