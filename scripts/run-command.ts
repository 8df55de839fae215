import { migrate } from '../src/catalogue/migrate.ts'
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts'
import { DiskFullError } from '../tools/engines/explain-failure.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { type CommandEnvironment, prepareEnvironment } from './environment.ts'

/** The exit status of a command; undefined for 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: a command that simply ends has nothing to return
type ExitStatus = number | void

/**
 * Runs a command on a catalogue, and ends the process. Private servers are migrated first; a configured database is
 * migrated only by `npm run migrate`.
 */
export function runOnCatalogue(
  main: (config: Config, environment: CommandEnvironment) => Promise<ExitStatus>,
  prepare: () => Promise<CommandEnvironment> = prepareEnvironment
): Promise<never> {
  return runCommand(async (environment) => {
    const config = loadConfig(environment.env)
    if (environment.isPrivate) await migrate(config.mysql)
    return await main(config, environment)
  }, prepare)
}

/**
 * Runs a command in its environment, releases that in any case, and ends the process. An error that the user can fix
 * prints one readable message; any other error is a defect, and prints its stack.
 */
export async function runCommand(
  main: (environment: CommandEnvironment) => Promise<ExitStatus>,
  prepare: () => Promise<CommandEnvironment> = prepareEnvironment
): Promise<never> {
  let environment: CommandEnvironment | undefined
  let status = 0
  try {
    environment = await prepare()
    status = (await main(environment)) ?? 0
  } catch (error) {
    console.error(readableMessage(error) ?? error)
    status = 1
  }
  await environment?.release()
  process.exit(status)
}

function readableMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof ReadableError || error instanceof ConfigError) return error.message
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return portInUse('port' in error ? Number(error.port) : 0)
  if (code === 'ENOSPC') return new DiskFullError('path' in error ? String(error.path) : process.cwd()).message
  // Messages of the system and of the database are written for users.
  return 'syscall' in error || 'sqlState' in error ? error.message : undefined
}

function portInUse(port: number): string {
  return `Port ${port} is in use. Stop the program that listens there, or take another port: PORT=${port + 1} npm start`
}
