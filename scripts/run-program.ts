import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/**
 * Runs a Node program in this terminal and waits for its end. Forwards SIGINT and SIGTERM to it, so that this process
 * can still clean up.
 * @param args the file and the arguments of the program
 * @returns the exit status; 128 plus the number of the signal if a signal ended the program
 */
export async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = spawn(process.execPath, args, { env, stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals) => program.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const [status, signal] = await once(program, 'exit')
  process.off('SIGINT', forward).off('SIGTERM', forward)
  return status ?? 128 + constants.signals[signal as NodeJS.Signals]
}
