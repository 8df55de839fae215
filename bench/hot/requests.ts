import { gunzipSync } from 'node:zlib'
import { ask, encodeRequest, type HttpResponse, headerOf } from '../load/http-client.ts'
import { type ExpectedAnswers, LIST_PATH } from './answers.ts'

/** A request to repeat, and its checked response. */
export interface PreparedRequest {
  request: Buffer
  expected: HttpResponse
}

interface RequestKind {
  path: (answers: ExpectedAnswers) => string
  /** @param etag the entity tag of the contender's list */
  headers: (etag: string) => Record<string, string>
  status: number
  /** The expected body, decompressed. */
  body: (answers: ExpectedAnswers) => Buffer
}

const listPath = () => LIST_PATH
const list = (answers: ExpectedAnswers) => answers.list

/** The kinds of requests to measure. */
export const requestKinds = {
  list: { path: listPath, headers: () => ({}), status: 200, body: list },
  detail: { path: ({ detailPath }) => detailPath, headers: () => ({}), status: 200, body: ({ detail }) => detail },
  'list, 304': {
    path: listPath,
    headers: (etag) => ({ 'if-none-match': etag }),
    status: 304,
    body: () => Buffer.alloc(0)
  },
  'list, gzip': { path: listPath, headers: () => ({ 'accept-encoding': 'gzip' }), status: 200, body: list }
} as const satisfies Record<string, RequestKind>

/** The name of a kind of requests. */
export type RequestName = keyof typeof requestKinds

/**
 * Sends a request of one kind and checks the response.
 * @throws {Error} when the response is not the expected one
 */
export async function prepareRequest(
  port: number,
  name: RequestName,
  answers: ExpectedAnswers
): Promise<PreparedRequest> {
  const kind: RequestKind = requestKinds[name]
  const etag = headerOf(await ask(port, encodeRequest(LIST_PATH)), 'etag') ?? answers.listEtag
  const request = encodeRequest(kind.path(answers), kind.headers(etag))
  const expected = await ask(port, request)
  if (expected.status !== kind.status) throw new Error(`status ${expected.status} instead of ${kind.status}`)
  const isZipped = headerOf(expected, 'content-encoding') === 'gzip'
  if (isZipped !== (name === 'list, gzip')) throw new Error(isZipped ? 'compressed' : 'not compressed')
  const body = isZipped ? gunzipSync(expected.body) : expected.body
  if (!body.equals(kind.body(answers))) throw new Error('a different body than Aisle')
  return { request, expected }
}
