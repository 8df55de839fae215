/** The exit status of a command that was called with wrong arguments. */
export const USAGE_STATUS = 2

/**
 * Reads the arguments of a command. `--help` prints the usage and ends the process with status 0; an error of `read`
 * prints its message and the usage, and ends the process with `USAGE_STATUS`.
 */
export function readCommandLine<T>(usage: string, read: () => T): T {
  printHelp(usage)
  try {
    return read()
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\nUsage: ${usage}`)
    process.exit(USAGE_STATUS)
  }
}

/** Prints the usage and ends the process when the arguments include `--help` or `-h`; for commands without options. */
export function printHelp(usage: string): void {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return
  console.log(`Usage: ${usage}`)
  process.exit(0)
}

/**
 * Reads a whole number.
 * @param name the option, for the error message
 * @throws {Error} when the text is not a whole number from `min` to `max`
 */
export function readInteger(name: string, text: string | undefined, min: number, max: number): number {
  const number = /^[0-9]+$/.test(text ?? '') ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new Error(`${name} must be a whole number from ${min} to ${max}.`)
}
