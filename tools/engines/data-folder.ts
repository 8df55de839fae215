import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { ReadableError } from '../readable-error.ts'
import type { ServerProgram } from './find-servers.ts'

/** A folder of data is named after what made it: `MariaDB-10.11`. */
const NAME = /^(MariaDB|MySQL)-(\d+)\.(\d+)$/

/**
 * Where a database program keeps its data below `parent`. Data of an older release of the same family become its own.
 * @throws {ReadableError} when there are data that it can't read
 */
export function dataFolderFor({ family, version, file }: ServerProgram, parent: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const folder = join(parent, `${family}-${major}.${minor}`)
  const existing = findData(parent)
  if (existing === undefined || existing.folder === folder) return folder
  const isOlder = existing.major < major || (existing.major === major && existing.minor < minor)
  if (existing.family !== family || !isOlder) {
    throw new ReadableError(`${file} is ${family} ${version}, which can't read ${existing.folder}`)
  }
  renameSync(existing.folder, folder)
  return folder
}

/** The data that an earlier start left, and who can read them. */
export function findData(parent: string) {
  const names = existsSync(parent) ? readdirSync(parent) : []
  const [found] = names.map((name) => NAME.exec(name)).filter((match) => match !== null)
  if (found === undefined) return undefined
  const [name, family = '', major, minor] = found
  return { folder: join(parent, name), family, major: Number(major), minor: Number(minor) }
}
