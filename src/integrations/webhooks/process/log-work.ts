import { createOutageLog } from '../../../platform/logging/outage-log.ts'

interface Log {
  info(message: string): void
  warn(details: object, message: string): void
}

/** What the log says of a worker: the listeners of `webhookWorker` that are told of failures. */
export function logWork(log: Log) {
  const availability = createOutageLog('The inbox of webhooks', log)
  return {
    onAttemptFailed(error: Error, eventIds: readonly number[]) {
      log.warn({ err: error, eventIds }, 'webhooks could not be applied, and are tried again')
    },
    onFailure: availability.down,
    onSuccess: availability.up
  }
}
