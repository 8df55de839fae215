interface Log {
  info(message: string): void
  warn(details: object, message: string): void
}

/** Writes one line when a dependency stops answering, and one when it answers again, however often it is told. */
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
