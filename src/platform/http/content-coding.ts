import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { createBoundedMap } from '../lib/bounded-map.ts'

/** How the bytes of a body are coded (RFC 9110, 8.4). */
export type ContentCoding = 'br' | 'gzip' | 'identity'

/** A body in plain, with its entity tag. */
interface PlainBody {
  readonly etag: string
  readonly body: Buffer
}

/** The better one first, for clients that like several alike. */
const CODINGS: readonly ContentCoding[] = ['br', 'gzip', 'identity']
const STREAM_CODINGS: readonly ContentCoding[] = ['gzip', 'identity']
/** Below every quality that can be written: that of a plain answer where nothing is said of it. */
const UNSAID_QUALITY = 0.0001
/** Below this a packet is saved rarely. */
const MIN_BODY_BYTES = 1024
/** Of the higher levels of brotli each takes much longer and saves little; 5 takes as long as gzip. */
const BROTLI_QUALITY = 5
/** Clients send few different values of `Accept-Encoding`, and few that are long. */
const MAX_REMEMBERED = 200
const MAX_REMEMBERED_LENGTH = 100

const remembered = createBoundedMap<string, ContentCoding>(MAX_REMEMBERED)
const compressors = {
  gzip: promisify(gzip),
  br: (body: Buffer) =>
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
}

/** Whether an answer depends on `Accept-Encoding`: a strong entity tag stands for one sequence of bytes. */
export function hasCodings({ etag }: Pick<PlainBody, 'etag'>): boolean {
  return etag.startsWith('W/')
}

/** The coding in which a client gets an answer, by its `Accept-Encoding` (RFC 9110, 12.5.3). */
export function codingOf(answer: PlainBody, acceptEncoding: string | undefined): ContentCoding {
  const isPlain = acceptEncoding === undefined || answer.body.length < MIN_BODY_BYTES || !hasCodings(answer)
  return isPlain ? 'identity' : preferredCoding(acceptEncoding)
}

/** The same for an answer that is made while it is sent: brotli is too slow for that. */
export function streamCodingOf(acceptEncoding: string | undefined): ContentCoding {
  return acceptEncoding === undefined ? 'identity' : negotiate(acceptEncoding, STREAM_CODINGS)
}

function preferredCoding(acceptEncoding: string): ContentCoding {
  const known = remembered.get(acceptEncoding)
  if (known !== undefined) return known
  const coding = negotiate(acceptEncoding, CODINGS)
  if (acceptEncoding.length <= MAX_REMEMBERED_LENGTH) remembered.set(acceptEncoding, coding)
  return coding
}

/** @fastify/accept-negotiator takes `*` for brotli even where brotli is refused beside it. */
function negotiate(acceptEncoding: string, codings: readonly ContentCoding[]): ContentCoding {
  const qualities = new Map(acceptEncoding.toLowerCase().split(',').map(parseQuality))
  const unnamed = qualities.get('*')
  const qualityOf = (coding: ContentCoding) =>
    qualities.get(coding) ?? unnamed ?? (coding === 'identity' ? UNSAID_QUALITY : 0)
  const best = codings.reduce((best, coding) => (qualityOf(coding) > qualityOf(best) ? coding : best))
  return qualityOf(best) > 0 ? best : 'identity'
}

function parseQuality(item: string): [coding: string, quality: number] {
  const [coding = '', ...parameters] = item.split(';').map((part) => part.trim())
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))
  return [coding, quality === undefined ? 1 : Number(quality.slice(quality.indexOf('=') + 1)) || 0]
}

/** The body in a coding, worked out beside the event loop. */
export async function encodeBody(body: Buffer, coding: ContentCoding): Promise<Buffer> {
  return coding === 'identity' ? body : await compressors[coding](body)
}
