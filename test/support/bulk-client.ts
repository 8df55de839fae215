import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'
import type { BulkEnd, BulkFailure, BulkResult } from '../../schemas/bulk.ts'
import { waitFor } from './wait-for.ts'

export const BULK = '/api/v1/products/bulk'

/** A bulk that is under way. */
export interface Bulk {
  readonly request: ClientRequest
  /** What has come so far. */
  readonly results: BulkResult[]
  /** Sends lines, which are text or are made JSON. */
  send(...lines: unknown[]): void
  /** Waits until so many results are there. */
  arrived(count: number): Promise<void>
  /** Ends the body and reads the answer to its end, or to where it is cut off. */
  finish(): Promise<BulkAnswer>
  /** Resolves at the end of the answer, whether the service or the client ends it. */
  readonly answer: Promise<BulkAnswer>
}

export interface BulkAnswer {
  status: number
  headers: IncomingHttpHeaders
  results: BulkResult[]
  /** The last line, where there is one. */
  end: BulkEnd | undefined
  /** The problem of the line before it, or that which is the whole answer. */
  problem: BulkFailure['problem'] | undefined
  /** Whether it was cut off. */
  isCut: boolean
}

export function startBulk(url: string, key: string, headers: Record<string, string> = {}): Bulk {
  const sent = request(url + BULK, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/x-ndjson', ...headers }
  })
  const results: BulkResult[] = []
  const answer = new Promise<BulkAnswer>((resolve) => {
    const cut: BulkAnswer = { status: 0, headers: {}, results, end: undefined, problem: undefined, isCut: true }
    sent.on('error', () => resolve(cut))
    sent.on('response', (response) => {
      const soFar: BulkAnswer = { ...cut, status: response.statusCode ?? 0, headers: response.headers }
      let rest = ''
      const take = (line: string) => {
        const value = JSON.parse(line)
        if ('summary' in value) soFar.end = value
        else if ('problem' in value) soFar.problem = value.problem
        else if (response.statusCode === 200) results.push(value)
        else soFar.problem = value
      }
      response.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        lines.forEach(take)
      })
      response.on('close', () => {
        if (rest !== '' && response.complete) take(rest)
        resolve({ ...soFar, isCut: !response.complete })
      })
      response.on('error', () => {})
    })
  })
  return {
    request: sent,
    results,
    answer,
    send(...lines) {
      for (const line of lines) sent.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
    },
    async arrived(count) {
      await waitFor(`${count} results`, () => results.length >= count)
    },
    finish() {
      sent.end()
      return answer
    }
  }
}

/** Sends a whole body, and reads the whole answer. */
export function bulk(url: string, key: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const started = startBulk(url, key, headers)
  started.request.end(body)
  return started.answer
}

/** Makes products of numbers. */
export function product(number: number, fields: object = {}) {
  return { sku: `S${number}`, name: `Product ${number}`, price: '1.00', ...fields }
}

export function toNdjson(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
