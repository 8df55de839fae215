/** The exit status of a command that was called in the wrong way. */
export const USAGE_STATUS = 2

/** Reads what stands on the command line; what is wrong there ends the process with the reason and the usage. */
export function readOrFail<T>(usage: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\nUsage: ${usage}`)
    process.exit(USAGE_STATUS)
  }
}

/**
 * Reads a whole number.
 * @param name of the option, for the message
 * @throws {Error} when it is none, or out of bounds
 */
export function readInteger(name: string, text: string | undefined, min: number, max: number): number {
  const number = /^[0-9]+$/.test(text ?? '') ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new Error(`${name} must be a whole number from ${min} to ${max}.`)
}
