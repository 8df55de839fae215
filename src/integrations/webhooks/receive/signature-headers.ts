import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../../../platform/errors/app-error.ts'

export type Scheme = 'standard' | 'hub' | 'plain'

/** What the header fields of a delivery say about its signature. */
export interface PresentedSignature {
  readonly scheme: Scheme
  /** What is signed is this, and the body after it. */
  readonly prefix: string
  /** Of 32 bytes each. One that is right is enough. */
  readonly signatures: readonly Buffer[]
  /** Unix time. Signed. */
  readonly timestampSeconds?: number
  /** Which event it is. Signed. */
  readonly eventId?: string
}

type Headers = IncomingHttpHeaders

const ID = /^(?!.*\.)[!-~]{1,190}$/
const TIMESTAMP = /^[0-9]{1,12}$/
const MAX_LIST_LENGTH = 1024
const MAX_SIGNATURES = 10
/** Of any version, as senders may add new ones. */
const LIST_ENTRY = /^v[0-9]{1,3}[a-z]?,[A-Za-z0-9+/]+={0,2}$/
/** 32 bytes in base64. The last letter has two bits to spare, which are zero, or one signature would have four spellings. */
const V1_ENTRY = /^v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/
const HUB = /^sha256=([0-9a-fA-F]{64})$/
const PLAIN = /^(?:sha256=)?([0-9a-fA-F]{64})$/

/**
 * Reads the signature of a delivery, in the scheme whose header fields are there: Standard Webhooks before
 * `X-Hub-Signature-256` before `X-Webhook-Signature`. Fields that come twice are joined by a comma, which fits no grammar.
 * @throws {AppError} `signature-missing`, `signature-malformed`
 */
export function readSignature(headers: Headers): PresentedSignature {
  const { 'x-hub-signature-256': hub, 'x-webhook-signature': plain } = headers
  if (['webhook-id', 'webhook-timestamp', 'webhook-signature'].some((name) => headers[name] !== undefined)) {
    return readStandard(headers)
  }
  if (hub !== undefined) return { scheme: 'hub', ...readHex('X-Hub-Signature-256', hub, HUB) }
  if (plain !== undefined) return { scheme: 'plain', ...readHex('X-Webhook-Signature', plain, PLAIN) }
  throw new AppError(
    'signature-missing',
    'A delivery is signed: in webhook-signature, X-Hub-Signature-256 or X-Webhook-Signature.',
    { headers: CHALLENGE }
  )
}

/** A 401 that says what is wrong with a signature. */
export function signatureError(
  code: 'signature-malformed' | 'signature-mismatch' | 'signature-expired',
  detail: string
) {
  return new AppError(code, detail, { headers: CHALLENGE })
}

const CHALLENGE = { 'www-authenticate': 'Webhook-Signature' }

function readStandard(headers: Headers): PresentedSignature {
  const eventId = match('webhook-id', headers, ID)
  const timestamp = match('webhook-timestamp', headers, TIMESTAMP)
  return {
    scheme: 'standard',
    prefix: `${eventId}.${timestamp}.`,
    signatures: readList(headers['webhook-signature']),
    timestampSeconds: Number(timestamp),
    eventId
  }
}

/** Of the versions, v1 is HMAC with SHA-256; those that have keys of other kinds are passed over. */
function readList(field: Headers[string]): Buffer[] {
  const entries = typeof field === 'string' && field.length <= MAX_LIST_LENGTH ? field.split(' ') : []
  const own = entries.filter((entry) => entry.startsWith('v1,'))
  const isWellFormed = entries.every((entry) => LIST_ENTRY.test(entry)) && own.every((entry) => V1_ENTRY.test(entry))
  if (!isWellFormed || own.length === 0 || entries.length > MAX_SIGNATURES) throw malformed('webhook-signature')
  return own.map((entry) => Buffer.from(entry.slice('v1,'.length), 'base64'))
}

function readHex(name: string, field: string | string[], grammar: RegExp) {
  const [, hex] = (typeof field === 'string' && grammar.exec(field)) || []
  if (hex === undefined) throw malformed(name)
  return { prefix: '', signatures: [Buffer.from(hex, 'hex')] }
}

function match(name: string, headers: Headers, grammar: RegExp): string {
  const field = headers[name]
  if (typeof field === 'string' && grammar.test(field)) return field
  throw malformed(name)
}

function malformed(name: string): AppError {
  return signatureError('signature-malformed', `${name} is missing, or not in its form.`)
}
