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
