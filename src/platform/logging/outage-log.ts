/** The part of a logger that is used. */
interface Log {
  info(message: string): void
  warn(details: object, message: string): void
}

/**
 * Makes a log of outages: one line when a dependency stops answering, and one when it answers again, however often `up` and
 * `down` are called.
 * @param name of the dependency, as it begins the lines
 */
export function createOutageLog(name: string, log: Log) {
  let isUp = true
  return {
    up() {
      if (!isUp) log.info(`${name} answers again`)
      isUp = true
    },
    down(error: Error) {
      if (isUp) log.warn({ err: error }, `${name} does not answer`)
      isUp = false
    }
  }
}
