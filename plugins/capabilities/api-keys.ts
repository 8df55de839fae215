import fp from 'fastify-plugin'
import { findKey, readRevision } from '../../src/edge/auth/find-key.ts'
import { createKeyUsage, type KeyUsage } from '../../src/edge/auth/key-usage.ts'
import { createKeyVerifier, type KeyVerifier, REVISION_TIMEOUT_MS } from '../../src/edge/auth/verify-keys.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    apiKeys: { verifier: KeyVerifier; usage: KeyUsage }
  }
}

/** `apiKeys`: which API keys are valid, and when each was used last. */
export default fp(
  async (app) => {
    const { database, metrics } = app
    const lookUps = metrics.counter({
      name: 'aisle_key_lookups_total',
      help: 'API keys looked up in MySQL.'
    })
    // Behind a busy pool it would be read too late, and every key would be looked up.
    const revisions = app.openConnection(REVISION_TIMEOUT_MS)
    const availability = createOutageLog('The revision of the API keys', app.log)
    const verifier = createKeyVerifier({
      find(hash) {
        lookUps.inc()
        return findKey(database, hash)
      },
      readRevision: () => readRevision(revisions),
      nowMs: () => performance.now(),
      onFailure: availability.down,
      onSuccess: availability.up
    })
    const usage = createKeyUsage({
      database,
      nowMs: Date.now,
      onFailure: (error) => app.log.warn({ err: error }, 'the last use of API keys could not be written')
    })
    app.decorate('apiKeys', { verifier, usage })
    app.addHook('onClose', async () => {
      verifier.stop()
      await usage.flush()
    })
  },
  { name: 'api-keys', dependencies: ['metrics', 'mysql'] }
)
