import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { Negotiator } from '@fastify/accept-negotiator'
import type { Answer } from './answer.ts'

export type ContentCoding = 'br' | 'gzip' | 'identity'

/** Below this a packet is saved rarely. */
const MIN_BODY_BYTES = 1024
/** Of the higher levels of brotli each takes much longer and saves little; 5 takes as long as gzip. */
const BROTLI_QUALITY = 5
/** Clients send few different values; those who send many get theirs worked out each time. */
const MAX_REMEMBERED = 200
const MAX_REMEMBERED_LENGTH = 100

const negotiator = new Negotiator<ContentCoding>({ supportedValues: ['br', 'gzip', 'identity'] })
const remembered = new Map<string, ContentCoding>()
const compressors = {
  gzip: promisify(gzip),
  br: (body: Buffer) =>
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
}

/** Whether an answer has other codings: a strong entity tag stands for one sequence of bytes. */
export function isCompressible({ body, etag }: Answer): boolean {
  return body.length >= MIN_BODY_BYTES && etag.startsWith('W/')
}

/** The coding that a client likes best, by its `Accept-Encoding` (RFC 9110, 12.5.3). */
export function preferredCoding(acceptEncoding: string | undefined): ContentCoding {
  if (acceptEncoding === undefined) return 'identity'
  const known = remembered.get(acceptEncoding)
  if (known !== undefined) return known
  const coding = negotiator.negotiate(acceptEncoding.toLowerCase()) ?? 'identity'
  if (remembered.size < MAX_REMEMBERED && acceptEncoding.length <= MAX_REMEMBERED_LENGTH)
    remembered.set(acceptEncoding, coding)
  return coding
}

/** The body in a coding, worked out beside the event loop. */
export async function encodeBody(body: Buffer, coding: ContentCoding): Promise<Buffer> {
  return coding === 'identity' ? body : await compressors[coding](body)
}
