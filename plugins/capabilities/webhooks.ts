import fp from 'fastify-plugin'
import { createWebhookReceiver, type Receive } from '../../src/integrations/webhooks/receive/receiver.ts'
import { createEventRecorder } from '../../src/integrations/webhooks/receive/record-events.ts'
import { createRejections, type Rejection } from '../../src/integrations/webhooks/receive/rejections.ts'
import { createSignatureVerifier } from '../../src/integrations/webhooks/receive/verify-signature.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

export interface Webhooks {
  receive: Receive
  /** Notes a delivery that was refused, with the code of the problem. */
  noteRejection(reason: string, rejection: Rejection): void
  /** From now on the listener is told when there is an event to be processed. */
  onRecorded(listener: () => void): void
  /** Tells them. */
  wake(): void
}

declare module 'fastify' {
  interface FastifyInstance {
    webhooks: Webhooks
  }
}

/** `webhooks`: takes deliveries, and records them. */
export default fp(
  async (app) => {
    const { database } = app
    const { secrets, toleranceSeconds } = app.config.webhooks
    const listeners: (() => void)[] = []
    const availability = createOutageLog('The log of refused webhooks', app.log)
    const rejections = createRejections({
      database,
      nowMs: Date.now,
      onFailure: availability.down,
      onSuccess: availability.up
    })
    const received = app.metrics.counter({
      name: 'aisle_webhooks_received_total',
      help: 'Webhook deliveries that were accepted, by status: accepted, duplicate, ignored (an unknown type).',
      labelNames: ['status']
    })
    const refused = app.metrics.counter({
      name: 'aisle_webhooks_refused_total',
      help: 'Webhook deliveries that were refused; reason is the code of the problem.',
      labelNames: ['reason']
    })

    const receive = createWebhookReceiver({
      isEnabled: secrets.length > 0,
      verifySignature: createSignatureVerifier({ secrets, toleranceSeconds, nowMs: Date.now }),
      record: createEventRecorder({
        database,
        onFailure: (error) => app.log.error({ err: error }, 'a webhook could not be recorded')
      }),
      onRecorded: wake
    })
    function wake(): void {
      for (const listener of listeners) listener()
    }
    app.decorate('webhooks', {
      async receive(headers, body) {
        const receipt = await receive(headers, body)
        received.inc({ status: receipt.status })
        return receipt
      },
      noteRejection(reason, rejection) {
        refused.inc({ reason })
        rejections.note(reason, rejection)
      },
      onRecorded: (listener) => listeners.push(listener),
      wake
    })
    app.addHook('onClose', () => rejections.close())
  },
  { name: 'webhooks', dependencies: ['metrics', 'mysql'] }
)
