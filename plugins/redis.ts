import fastifyRedis, { type FastifyRedis } from '@fastify/redis'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'

const CONNECT_TIMEOUT_MS = 1000
const COMMAND_TIMEOUT_MS = 1000
const CLOSE_TIMEOUT_MS = 500
const MAX_RECONNECT_DELAY_MS = 2000

/** One Redis client. Without Redis every command fails at once, and the client goes on trying to connect. */
export default fp(
  async (app) => {
    const { url, keyPrefix } = app.config.redis
    const client = new Redis(url, {
      keyPrefix,
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, MAX_RECONNECT_DELAY_MS)
    })
    reportTransitions(client, app.log)

    await client.connect().catch(() => {
      // Reported as a transition; the client goes on trying.
    })
    // The package waits for a connection; the service boots without one.
    if (client.status === 'ready') await app.register(fastifyRedis, { client })
    else app.decorate('redis', client as FastifyRedis)

    app.addHook('onClose', () => close(client))
  },
  { name: 'redis' }
)

function reportTransitions(
  client: Redis,
  log: { info(message: string): void; warn(object: object, message: string): void }
) {
  let isUp: boolean | undefined
  client.on('ready', () => {
    if (isUp === false) log.info('Redis answers again')
    isUp = true
  })
  client.on('error', (error) => {
    if (isUp !== false) log.warn({ err: error }, 'Redis does not answer')
    isUp = false
  })
}

async function close(client: Redis): Promise<void> {
  const timer = setTimeout(() => client.disconnect(), CLOSE_TIMEOUT_MS)
  await client.quit().catch(() => client.disconnect())
  clearTimeout(timer)
}
