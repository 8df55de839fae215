import { ReadableError } from '../tools/readable-error.ts'

/** npm and the terminal both send the signal of one Ctrl-C: repeats within this time count once. */
const SAME_SIGNAL_MS = 500

/**
 * Creates a signal that Ctrl-C and SIGTERM abort, for commands whose finished work is kept when they stop. A second
 * Ctrl-C ends the process at once.
 */
export function createInterruptSignal(): AbortSignal {
  const controller = new AbortController()
  let interruptedAt: number | undefined
  const interrupt = () => {
    interruptedAt ??= performance.now()
    if (performance.now() - interruptedAt > SAME_SIGNAL_MS) process.exit(1)
    controller.abort(new ReadableError('Interrupted. Finished work is kept: run the command again to continue.'))
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return controller.signal
}
