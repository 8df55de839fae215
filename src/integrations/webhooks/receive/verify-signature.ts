import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../../../platform/errors/app-error.ts'

/** How a delivery is signed: `standard` is Standard Webhooks, `hub` is `X-Hub-Signature-256`, `plain` is `X-Webhook-Signature`. */
export type SignatureScheme = 'standard' | 'hub' | 'plain'

/** What a valid signature proves about a delivery. */
export interface VerifiedSignature {
  readonly scheme: SignatureScheme
  /** The secret it was made with, by its position in the configuration, from 1. */
  readonly secretNumber: number
  /** The id of the event, if the scheme signs one beside the body. */
  readonly eventId: string | undefined
}

/**
 * Verifies the signature of a delivery over the bytes of its body as they arrived.
 * @throws {AppError} `signature-missing`, `signature-malformed`, `signature-mismatch` or `signature-expired`, all of them 401
 */
export type VerifySignature = (headers: IncomingHttpHeaders, body: Buffer) => VerifiedSignature

interface VerifierOptions {
  secrets: readonly Buffer[]
  /** How far a signed timestamp may be from the current time, in either direction. */
  toleranceSeconds: number
  /** Unix time. */
  nowMs: () => number
}

/** The signature of a delivery as its header fields present it: well-formed, but not verified. */
interface PresentedSignature {
  readonly scheme: SignatureScheme
  /** The signed bytes are this text, followed by the body. */
  readonly prefix: string
  /** Candidates of 32 bytes each. One match is enough. */
  readonly signatures: readonly Buffer[]
  /** Unix time, part of the signed bytes. */
  readonly timestampSeconds?: number
  /** Part of the signed bytes. */
  readonly eventId?: string
}

/** Event ids without dots, as dots separate the parts of the signed text. */
const EVENT_ID = /^(?!.*\.)[!-~]{1,190}$/
const TIMESTAMP = /^[0-9]{1,12}$/
const MAX_LIST_LENGTH = 1024
const MAX_SIGNATURES = 10
/** An entry of any version, as senders may add versions. */
const LIST_ENTRY = /^v[0-9]{1,3}[a-z]?,[A-Za-z0-9+/]+={0,2}$/
/** 32 bytes in base64. The last letter has two unused bits. They must be zero, or a signature would have four spellings. */
const V1_ENTRY = /^v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
const HUB = /^sha256=([0-9a-fA-F]{64})$/
const PLAIN = /^(?:sha256=)?([0-9a-fA-F]{64})$/
const CHALLENGE = { 'www-authenticate': 'Webhook-Signature' }

/**
 * Creates the verifier of signatures, which are HMACs with SHA-256. Every secret is tried on every signature, so that the
 * time it takes does not depend on which of them matches, or how closely.
 */
export function createSignatureVerifier({ secrets, toleranceSeconds, nowMs }: VerifierOptions): VerifySignature {
  // Key objects are made once: from bytes, each HMAC would make one anew, which takes longer than the HMAC itself.
  const keys = secrets.map((secret) => createSecretKey(secret))
  return (headers, body) => {
    const { scheme, prefix, signatures, timestampSeconds, eventId } = readSignature(headers)
    const matches = keys.map((key) => {
      const expected = createHmac('sha256', key).update(prefix).update(body).digest()
      return signatures.filter((signature) => timingSafeEqual(signature, expected)).length > 0
    })
    const secretNumber = matches.indexOf(true) + 1
    if (secretNumber === 0) {
      throw signatureError('signature-mismatch', 'The signature does not match these bytes and any configured secret.')
    }
    if (timestampSeconds !== undefined) verifyTimestamp(timestampSeconds, Math.floor(nowMs() / 1000), toleranceSeconds)
    return { scheme, secretNumber, eventId }
  }
}

function verifyTimestamp(timestampSeconds: number, nowSeconds: number, toleranceSeconds: number): void {
  const offsetSeconds = timestampSeconds - nowSeconds
  if (Math.abs(offsetSeconds) <= toleranceSeconds) return
  const side = offsetSeconds < 0 ? 'in the past' : 'in the future'
  throw signatureError(
    'signature-expired',
    `webhook-timestamp is ${Math.abs(offsetSeconds)} seconds ${side}; the tolerance is ${toleranceSeconds} seconds.`
  )
}

/**
 * Reads the signature from the header fields of the first scheme that is present: Standard Webhooks, then
 * `X-Hub-Signature-256`, then `X-Webhook-Signature`. Node joins repeated fields by a comma, which fits no grammar.
 */
function readSignature(headers: IncomingHttpHeaders): PresentedSignature {
  const { 'x-hub-signature-256': hub, 'x-webhook-signature': plain } = headers
  if (['webhook-id', 'webhook-timestamp', 'webhook-signature'].some((name) => headers[name] !== undefined)) {
    return readStandard(headers)
  }
  if (hub !== undefined) return { scheme: 'hub', ...readHex('X-Hub-Signature-256', hub, HUB) }
  if (plain !== undefined) return { scheme: 'plain', ...readHex('X-Webhook-Signature', plain, PLAIN) }
  throw signatureError(
    'signature-missing',
    'Sign the delivery, in webhook-signature, X-Hub-Signature-256 or X-Webhook-Signature.'
  )
}

function readStandard(headers: IncomingHttpHeaders): PresentedSignature {
  const eventId = readField('webhook-id', headers, EVENT_ID)
  const timestamp = readField('webhook-timestamp', headers, TIMESTAMP)
  return {
    scheme: 'standard',
    prefix: `${eventId}.${timestamp}.`,
    signatures: readList(headers['webhook-signature']),
    timestampSeconds: Number(timestamp),
    eventId
  }
}

/** Reads the signatures of version 1, which is HMAC with SHA-256. Other versions have other kinds of keys and are skipped. */
function readList(field: string | string[] | undefined): Buffer[] {
  const entries = typeof field === 'string' && field.length <= MAX_LIST_LENGTH ? field.split(' ') : []
  const v1 = entries.filter((entry) => entry.startsWith('v1,'))
  const isWellFormed = entries.every((entry) => LIST_ENTRY.test(entry)) && v1.every((entry) => V1_ENTRY.test(entry))
  if (!isWellFormed || v1.length === 0 || entries.length > MAX_SIGNATURES) throw malformed('webhook-signature')
  return v1.map((entry) => Buffer.from(entry.slice('v1,'.length), 'base64'))
}

function readHex(name: string, field: string | string[], grammar: RegExp) {
  const [, hex] = (typeof field === 'string' && grammar.exec(field)) || []
  if (hex === undefined) throw malformed(name)
  return { prefix: '', signatures: [Buffer.from(hex, 'hex')] }
}

function readField(name: string, headers: IncomingHttpHeaders, grammar: RegExp): string {
  const field = headers[name]
  if (typeof field === 'string' && grammar.test(field)) return field
  throw malformed(name)
}

function malformed(name: string): AppError {
  return signatureError('signature-malformed', `${name} is missing or malformed.`)
}

function signatureError(
  code: 'signature-missing' | 'signature-malformed' | 'signature-mismatch' | 'signature-expired',
  detail: string
): AppError {
  return new AppError(code, detail, { headers: CHALLENGE })
}
