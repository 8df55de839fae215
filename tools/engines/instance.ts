import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReadableError } from '../readable-error.ts'

/** Engines for development keep their data; those for tests start empty and leave nothing. */
export type Purpose = 'development' | 'test'

/** The places of one pair of private engines. */
export interface Instance {
  purpose: Purpose
  /** In the repository: logs, process ids, the keeper's lock, and the data that stays. */
  homeFolder: string
  /** Outside of it and short: Unix sockets, and the data that goes. Its keeper makes and removes it. */
  runtimeFolder: string
}

const REPOSITORY_FOLDER = join(import.meta.dirname, '../..')
/** The kernels' limits are 107 (Linux) and 103 (macOS). */
const MAX_SOCKET_PATH_BYTES = 103
const CONTROL_SOCKET = 'control.sock'

/**
 * Describes the engines of this repository and this user, and makes their home.
 * @throws {ReadableError} when somebody else holds the name of the runtime folder
 */
export function openInstance(purpose: Purpose): Instance {
  const homeFolder = join(realpathSync(REPOSITORY_FOLDER), '.data', purpose)
  mkdirSync(homeFolder, { recursive: true, mode: 0o700 })
  const id = createHash('sha256').update(`${process.getuid?.()} ${homeFolder}`).digest('hex').slice(0, 12)
  const fits = Buffer.byteLength(join(tmpdir(), `aisle-${id}`, CONTROL_SOCKET)) <= MAX_SOCKET_PATH_BYTES
  const runtimeFolder = join(fits ? tmpdir() : '/tmp', `aisle-${id}`)
  if (existsSync(runtimeFolder)) refuseForeign(runtimeFolder)
  return { purpose, homeFolder, runtimeFolder }
}

/** Where the keeper listens: it may have been started with another temporary folder than ours. */
export function controlSocketOf(instance: Instance): string {
  try {
    return join(readlinkSync(runtimeLinkOf(instance)), CONTROL_SOCKET)
  } catch {
    // There is no keeper.
    return join(instance.runtimeFolder, CONTROL_SOCKET)
  }
}

/**
 * Makes the runtime folder, for this user alone. What a killed keeper left there stays where its engines can be taken
 * over, and goes where they are for tests.
 */
export function makeRuntimeFolder(instance: Instance): void {
  const { purpose, runtimeFolder } = instance
  mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 })
  refuseForeign(runtimeFolder)
  const remains = purpose === 'test' ? readdirSync(runtimeFolder) : [CONTROL_SOCKET]
  for (const name of remains) rmSync(join(runtimeFolder, name), { recursive: true, force: true })
  rmSync(runtimeLinkOf(instance), { force: true })
  symlinkSync(runtimeFolder, runtimeLinkOf(instance))
}

/** Removes the runtime folder with all that is in it. */
export function removeRuntimeFolder(instance: Instance): void {
  rmSync(runtimeLinkOf(instance), { force: true })
  rmSync(instance.runtimeFolder, { recursive: true, force: true })
}

/** Temporary folders are everybody's. */
function refuseForeign(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new ReadableError(`${folder} belongs to somebody else. Set TMPDIR to a folder of your own.`)
}

function runtimeLinkOf({ homeFolder }: Instance): string {
  return join(homeFolder, 'run')
}
