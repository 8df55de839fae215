import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { App } from '../../src/app.ts'

export interface Exchange {
  status: number
  headers: IncomingHttpHeaders
  /** As it came, in whatever coding. */
  body: Buffer
}

const agent = new Agent({ keepAlive: true })

/** Asks, and reads the answer as it comes. */
export function exchange(url: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent }, async (response) => {
      const body = await buffer(response)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
      .on('error', reject)
      .end()
  })
}

/** Has an application listen on a port of its own, and answers its URL. */
export function listen(app: App): Promise<string> {
  return app.listen({ host: '127.0.0.1', port: 0 })
}
