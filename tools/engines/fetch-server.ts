import { homedir } from 'node:os'
import { join } from 'node:path'
import { ReadableError } from '../readable-error.ts'
import { type Engine, findUnpackedServer, type ServerProgram } from './find-servers.ts'
import { nameRelease, unpackPackages } from './unpack-packages.ts'

export interface FetchContext {
  /** Told that the packages are unpacked, and how long that took. */
  report: (label: string, elapsedMs: number) => void
  signal: AbortSignal
}

/** Which of these there are differs between releases of Debian and Ubuntu. The first set that can be had is taken. */
const PACKAGE_SETS = [
  ['redis-server', 'mariadb-server-core', 'mariadb-client-core'],
  ['redis-server', 'mysql-server-core-8.4'],
  ['redis-server', 'mysql-server-core-8.0']
]

/** Both engines come in one tree, and are asked for at the same time. */
let fetching: Promise<void> | undefined

/**
 * Takes a server from packages of Debian or Ubuntu, unpacked into the user's cache: no root, nothing installed, no
 * service. What was unpacked earlier is used again.
 * @throws where there are no such packages, or no server in them that is recent enough
 */
export async function fetchServer(engine: Engine, context: FetchContext): Promise<ServerProgram> {
  const cacheFolder = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const tree = join(cacheFolder, 'aisle', 'engines', await nameRelease())
  const cached = await findUnpackedServer(engine, tree)
  if (cached !== undefined) return cached

  fetching ??= fetchTree(tree, context).finally(() => {
    fetching = undefined
  })
  await fetching
  const program = await findUnpackedServer(engine, tree)
  if (program === undefined) throw new ReadableError(`the packages in ${tree} hold no recent enough server`)
  return program
}

async function fetchTree(tree: string, { report, signal }: FetchContext): Promise<void> {
  const startedAt = performance.now()
  await unpackPackages(PACKAGE_SETS, tree, signal)
  report('engines fetched', performance.now() - startedAt)
}
