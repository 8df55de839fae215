import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { createBoundedMap } from '../lib/bounded-map.ts'

/** A content coding of a response body (RFC 9110, 8.4). */
export type ContentCoding = 'br' | 'gzip' | 'identity'

/** A body without coding, with its entity tag. */
interface PlainBody {
  readonly etag: string
  readonly body: Buffer
}

/** In order of preference, for clients that prefer none. */
const CODINGS: readonly ContentCoding[] = ['br', 'gzip', 'identity']
const STREAM_CODINGS: readonly ContentCoding[] = ['gzip', 'identity']
/** The quality of `identity` when the client does not mention it: below every quality that can be written. */
const UNMENTIONED_QUALITY = 0.0001
/** Compressing smaller bodies rarely saves a packet. */
const MIN_BODY_BYTES = 1024
/** Takes as long as gzip; higher levels take much longer and save little. */
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

/**
 * Returns whether a response can be sent in several codings, so that it varies by `Accept-Encoding`. One with a strong
 * entity tag cannot: the tag stands for one sequence of bytes.
 */
export function hasCodings({ etag }: Pick<PlainBody, 'etag'>): boolean {
  return etag.startsWith('W/')
}

/** Chooses the coding of a response by the client's `Accept-Encoding` (RFC 9110, 12.5.3). */
export function codingOf(response: PlainBody, acceptEncoding: string | undefined): ContentCoding {
  const isPlain = acceptEncoding === undefined || response.body.length < MIN_BODY_BYTES || !hasCodings(response)
  return isPlain ? 'identity' : preferredCoding(acceptEncoding)
}

/** Chooses the coding of a streamed response by the client's `Accept-Encoding`; brotli is too slow for streams. */
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

/** @fastify/accept-negotiator takes `*` for brotli even when brotli is refused explicitly. */
function negotiate(acceptEncoding: string, codings: readonly ContentCoding[]): ContentCoding {
  const qualities = new Map(acceptEncoding.toLowerCase().split(',').map(parseQuality))
  const unnamed = qualities.get('*')
  const qualityOf = (coding: ContentCoding) =>
    qualities.get(coding) ?? unnamed ?? (coding === 'identity' ? UNMENTIONED_QUALITY : 0)
  const best = codings.reduce((best, coding) => (qualityOf(coding) > qualityOf(best) ? coding : best))
  return qualityOf(best) > 0 ? best : 'identity'
}

function parseQuality(item: string): [coding: string, quality: number] {
  const [coding = '', ...parameters] = item.split(';').map((part) => part.trim())
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))
  return [coding, quality === undefined ? 1 : Number(quality.slice(quality.indexOf('=') + 1)) || 0]
}

/** Encodes a body, on the thread pool. */
export async function encodeBody(body: Buffer, coding: ContentCoding): Promise<Buffer> {
  return coding === 'identity' ? body : await compressors[coding](body)
}
