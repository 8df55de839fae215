import { ConfigError } from '../src/config/config.ts'
import { DiskFullError } from '../tools/engines/explain-failure.ts'
import { type Environment, prepareEnvironment } from './environment.ts'
import { ReadableError } from './readable-error.ts'

/**
 * Runs a command in its environment, lets go of that whatever happens, and ends the process. What the person at the
 * terminal can put right is one readable message; anything else is a defect, and has its stack.
 * @param main returns the exit status, or nothing for 0
 */
export async function runCommand(
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that simply ends has nothing to return
  main: (environment: Environment) => Promise<number | void>,
  prepare: () => Promise<Environment> = prepareEnvironment
): Promise<never> {
  let environment: Environment | undefined
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
  // What the system or the database says is meant to be read.
  return 'syscall' in error || 'sqlState' in error ? error.message : undefined
}

function portInUse(port: number): string {
  return `Port ${port} is in use. Stop the program that listens there, or take another port: PORT=${port + 1} npm start`
}
