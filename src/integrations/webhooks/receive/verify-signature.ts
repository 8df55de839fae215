import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { readSignature, type Scheme, signatureError } from './signature-headers.ts'

/** What a right signature says. */
export interface VerifiedSignature {
  readonly scheme: Scheme
  /** Which of the secrets it was made with, from 1 on. */
  readonly secretNumber: number
  /** Which event it is, where that is signed beside the body. */
  readonly eventId: string | undefined
}

export type VerifySignature = (headers: IncomingHttpHeaders, body: Buffer) => VerifiedSignature

interface VerifierOptions {
  secrets: readonly Buffer[]
  /** How far a signed time may be from ours, either way. */
  toleranceSeconds: number
  /** Unix time. */
  nowMs: () => number
}

/**
 * Makes what verifies a delivery, whose signature is the HMAC with SHA-256 of its bytes as they came. Every secret is
 * tried on every signature, in a time that says nothing of which fits, or how well.
 * @returns a function that throws {AppError} `signature-missing`, `signature-malformed`, `signature-mismatch` or
 * `signature-expired`
 */
export function createSignatureVerifier({ secrets, toleranceSeconds, nowMs }: VerifierOptions): VerifySignature {
  // Made once: of bytes, each HMAC makes one anew, which takes several times as long as the rest of it.
  const keys = secrets.map((secret) => createSecretKey(secret))
  return (headers, body) => {
    const { scheme, prefix, signatures, timestampSeconds, eventId } = readSignature(headers)
    const fits = keys.map((key) => {
      const expected = createHmac('sha256', key).update(prefix).update(body).digest()
      return signatures.filter((signature) => timingSafeEqual(signature, expected)).length > 0
    })
    const secretNumber = fits.indexOf(true) + 1
    if (secretNumber === 0) {
      throw signatureError('signature-mismatch', 'No secret of this service makes this signature of these bytes.')
    }
    if (timestampSeconds !== undefined) {
      const offSeconds = timestampSeconds - Math.floor(nowMs() / 1000)
      if (Math.abs(offSeconds) > toleranceSeconds) {
        const side = offSeconds < 0 ? 'in the past' : 'in the future'
        throw signatureError(
          'signature-expired',
          `webhook-timestamp is ${Math.abs(offSeconds)} seconds ${side}; ${toleranceSeconds} are allowed.`
        )
      }
    }
    return { scheme, secretNumber, eventId }
  }
}
