import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/**
 * Runs a Node program to its end, in this terminal. A signal to this process is for the program: this process still
 * has to clear up.
 * @param args its file and its arguments
 * @returns the exit status, 128 and the signal's number where a signal ended it
 */
export async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = spawn(process.execPath, args, { env, stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals) => program.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const [status, signal] = await once(program, 'exit')
  process.off('SIGINT', forward).off('SIGTERM', forward)
  return status ?? 128 + constants.signals[signal as NodeJS.Signals]
}
