import { Redis } from 'ioredis'
import { withTimeLimit } from '../lib/time-limit.ts'

const CONNECT_TIMEOUT_MS = 1000
const COMMAND_TIMEOUT_MS = 1000
const CLOSE_TIMEOUT_MS = 500
const MAX_RECONNECT_DELAY_MS = 1000

/**
 * Makes a client, which connects when it is told to. Without Redis every command fails at once, and the client goes on
 * trying to connect.
 */
export function openRedisClient({ url, keyPrefix }: { url: string; keyPrefix: string }): Redis {
  return new Redis(url, {
    keyPrefix,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A connection on which answers stay away is given up: commands must not pile up in it.
    socketTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS)
  })
}

/** Says goodbye, and does not wait long for the answer. */
export async function closeRedisClient(client: Redis): Promise<void> {
  const goodbye = client.quit().catch((error) => error)
  await withTimeLimit(goodbye, CLOSE_TIMEOUT_MS, () => undefined)
  client.disconnect()
}
