import { Type } from '@sinclair/typebox'

const field = (description: string) => Type.Optional(Type.String({ description }))

/** The header fields of the three signature schemes; a request needs those of one. */
export const SignatureHeaders = Type.Object({
  'webhook-id': field(
    'Standard Webhooks: which event it is, 1 to 190 printable ASCII characters without spaces and dots.'
  ),
  'webhook-timestamp': field('Standard Webhooks: when it is sent, in seconds of Unix time.'),
  'webhook-signature': field(
    'Standard Webhooks: `v1,` and the HMAC with SHA-256 of `{id}.{timestamp}.{body}` in base64; several with spaces between.'
  ),
  'x-hub-signature-256': field('`sha256=` and the HMAC with SHA-256 of the body, in hexadecimal.'),
  'x-webhook-signature': field('The HMAC with SHA-256 of the body, in hexadecimal; with or without `sha256=`.')
})
