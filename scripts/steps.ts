/**
 * Prints one finished step with its time. To standard error: standard output belongs to a command's own result.
 * @param startedAt what `performance.now()` was when the step began
 */
export function printStep(label: string, startedAt: number): void {
  printTimedStep(label, performance.now() - startedAt)
}

/** The same for a step that was timed elsewhere. */
export function printTimedStep(label: string, elapsedMs: number): void {
  console.error(`✔ ${label}  ${(elapsedMs / 1000).toFixed(1)} s`)
}
