import { ReadableError } from '../tools/readable-error.ts'

/** npm and the terminal both pass Ctrl-C on: what comes this soon after the first is the same one. */
const SAME_SIGNAL_MS = 500

/**
 * Aborted by Ctrl-C and SIGTERM, for commands that keep what they have done and can be run again. Asked twice, the
 * process ends at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  let interruptedAt: number | undefined
  const interrupt = () => {
    interruptedAt ??= performance.now()
    if (performance.now() - interruptedAt > SAME_SIGNAL_MS) process.exit(1)
    controller.abort(new ReadableError('Interrupted. What is done is kept: run it again for the rest.'))
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return controller.signal
}
