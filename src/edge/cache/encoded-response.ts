import { validateHeaderValue } from 'node:http'
import { type ContentCoding, encodeBody, hasCodings } from '../../platform/http/content-coding.ts'
import type { CachedResponse } from './cached-response.ts'
import { fieldLines } from './ready-response.ts'

/** An answer in one content coding, ready to be sent: header fields are lists, each name before its value. */
export interface EncodedResponse {
  readonly body: Buffer
  /** For a 200 and a 304 alike. */
  readonly fields: readonly string[]
  /** For a 200. */
  readonly contentFields: readonly string[]
  /** The same as they are sent. */
  readonly lines: string
  readonly contentLines: string
}

export type EncodedResponses = Partial<Record<ContentCoding, EncodedResponse>>
export type EncodeResponse = (answer: CachedResponse, coding: ContentCoding) => Promise<EncodedResponse>

/** Clients and caches on the way ask each time, and mostly hear that nothing has changed: that is how they stay right. */
const CACHE_CONTROL = { public: 'public, no-cache', private: 'private, no-cache' }

/**
 * Makes the function that gets answers ready to be sent.
 * @param constant header fields that are the same on every answer
 * @param isPublic whether caches on the way may store answers
 */
export function createResponseEncoder(constant: Readonly<Record<string, string>>, isPublic: boolean): EncodeResponse {
  const cacheControl = isPublic ? CACHE_CONTROL.public : CACHE_CONTROL.private
  const { vary, ...others } = constant
  const constantFields = Object.entries(others).flat()

  return async (answer, coding) => {
    const { etag, link, lastModified } = answer
    const body = await encodeBody(answer.body, coding)
    const varied = [...(hasCodings(answer) ? ['Accept-Encoding'] : []), ...(vary === undefined ? [] : [vary])]
    const fields = [
      ...constantFields,
      ...['cache-control', cacheControl],
      ...['etag', etag],
      ...(varied.length > 0 ? ['vary', varied.join(', ')] : []),
      ...(link === undefined ? [] : ['link', link]),
      ...(lastModified === undefined ? [] : ['last-modified', lastModified])
    ]
    const contentFields = [
      ...['content-type', 'application/json; charset=utf-8'],
      ...['content-length', String(body.length)],
      ...(coding === 'identity' ? [] : ['content-encoding', coding])
    ]
    for (let at = 0; at < fields.length; at += 2) validateHeaderValue(fields[at] ?? '', fields[at + 1] ?? '')
    return { body, fields, contentFields, lines: fieldLines(fields), contentLines: fieldLines(contentFields) }
  }
}

/** Encodes an answer in the codings in which there was one before. */
export async function encodeAgain(
  encode: EncodeResponse,
  answer: CachedResponse,
  before: EncodedResponses
): Promise<EncodedResponses> {
  const codings = Object.keys(before) as ContentCoding[]
  return Object.fromEntries(await Promise.all(codings.map(async (coding) => [coding, await encode(answer, coding)])))
}
