import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReadableError } from '../readable-error.ts'

/** The purpose of private engines: those for development keep their data, those for tests start empty and leave none. */
export type Purpose = 'development' | 'test'

/** The folders of one pair of private engines. */
export interface Instance {
  purpose: Purpose
  /** A folder in the repository: logs, process ids, the keeper's lock, and data to keep. */
  homeFolder: string
  /** A temporary folder with a short path: Unix sockets, and throw-away data. The keeper makes and removes it. */
  runtimeFolder: string
}

const REPOSITORY_FOLDER = join(import.meta.dirname, '../..')
/** The limit of macOS; that of Linux is 107. */
const MAX_SOCKET_PATH_BYTES = 103
const CONTROL_SOCKET = 'control.sock'

/**
 * Chooses the folders for the engines of this repository and user, and makes the home folder.
 * @throws {ReadableError} when the runtime folder belongs to another user
 */
export function prepareInstance(purpose: Purpose): Instance {
  const homeFolder = join(realpathSync(REPOSITORY_FOLDER), '.data', purpose)
  mkdirSync(homeFolder, { recursive: true, mode: 0o700 })
  const id = createHash('sha256').update(`${process.getuid?.()} ${homeFolder}`).digest('hex').slice(0, 12)
  const fits = Buffer.byteLength(join(tmpdir(), `aisle-${id}`, CONTROL_SOCKET)) <= MAX_SOCKET_PATH_BYTES
  const runtimeFolder = join(fits ? tmpdir() : '/tmp', `aisle-${id}`)
  if (existsSync(runtimeFolder)) refuseForeign(runtimeFolder)
  return { purpose, homeFolder, runtimeFolder }
}

/** Returns the path of the keeper's socket. The keeper may use another temporary folder than this process. */
export function controlSocketOf(instance: Instance): string {
  try {
    return join(readlinkSync(runtimeLinkOf(instance)), CONTROL_SOCKET)
  } catch {
    // No keeper is running.
    return join(instance.runtimeFolder, CONTROL_SOCKET)
  }
}

/**
 * Makes the runtime folder, for this user alone. Keeps what a killed keeper left there if its engines can be taken over;
 * removes it if they were for tests.
 */
export function makeRuntimeFolder(instance: Instance): void {
  const { purpose, runtimeFolder } = instance
  mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 })
  refuseForeign(runtimeFolder)
  const leftovers = purpose === 'test' ? readdirSync(runtimeFolder) : [CONTROL_SOCKET]
  for (const name of leftovers) rmSync(join(runtimeFolder, name), { recursive: true, force: true })
  rmSync(runtimeLinkOf(instance), { force: true })
  symlinkSync(runtimeFolder, runtimeLinkOf(instance))
}

/** Removes the runtime folder and its content. */
export function removeRuntimeFolder(instance: Instance): void {
  rmSync(runtimeLinkOf(instance), { force: true })
  rmSync(instance.runtimeFolder, { recursive: true, force: true })
}

/** Refuses a folder of another user: everybody can write to the folder for temporary files. */
function refuseForeign(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new ReadableError(`${folder} belongs to another user. Set TMPDIR to a folder of your own.`)
}

function runtimeLinkOf({ homeFolder }: Instance): string {
  return join(homeFolder, 'run')
}
