/**
 * Prints a finished step with its duration on standard error. Standard output is for the result of a command.
 * @param startedAt the value of `performance.now()` when the step began
 */
export function printStep(label: string, startedAt: number): void {
  printTimedStep(label, performance.now() - startedAt)
}

/** Prints a finished step, and how many milliseconds it took, on standard error. */
export function printTimedStep(label: string, elapsedMs: number): void {
  console.error(`✔ ${label}  ${(elapsedMs / 1000).toFixed(1)} s`)
}
