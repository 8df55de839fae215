import { Redis } from 'ioredis'
import { withTimeLimit } from '../lib/time-limit.ts'

const CONNECT_TIMEOUT_MS = 1000
const COMMAND_TIMEOUT_MS = 1000
const CLOSE_TIMEOUT_MS = 500
const MAX_RECONNECT_DELAY_MS = 1000

/**
 * Opens a client of Redis, which connects when `connect` is called. While Redis is away, every command fails at once and
 * the client keeps trying to reconnect.
 * @param url as in `REDIS_URL`
 */
export function openRedisClient({ url, keyPrefix }: { url: string; keyPrefix: string }): Redis {
  return new Redis(url, {
    keyPrefix,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // Gives up a connection without replies: commands must not pile up in it.
    socketTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS)
  })
}

/** Closes a client in at most half a second, whether Redis answers or not. */
export async function closeRedisClient(client: Redis): Promise<void> {
  const quitting = client.quit().catch((error) => error)
  await withTimeLimit(quitting, CLOSE_TIMEOUT_MS, () => undefined)
  client.disconnect()
}
