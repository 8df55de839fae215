import { Type } from '@sinclair/typebox'

const field = (description: string) => Type.Optional(Type.String({ description }))

/** The header fields of the three signature schemes; a request needs those of one. */
export const SignatureHeaders = Type.Object({
  'webhook-id': field(
    'Standard Webhooks: the id of the event, 1 to 190 printable ASCII characters without spaces or dots.'
  ),
  'webhook-timestamp': field('Standard Webhooks: when the delivery was sent, in seconds of Unix time.'),
  'webhook-signature': field(
    'Standard Webhooks: `v1,` followed by the HMAC-SHA256 of `{id}.{timestamp}.{body}` in base64. Separate several by spaces.'
  ),
  'x-hub-signature-256': field('`sha256=` followed by the HMAC-SHA256 of the body, in hexadecimal.'),
  'x-webhook-signature': field('The HMAC-SHA256 of the body, in hexadecimal, with or without a leading `sha256=`.')
})
