import type { Connection } from 'mysql2/promise'
import type { Problem } from '../../schemas/problem.ts'
import type { Product } from '../../schemas/products.ts'
import { makeKey } from './make-key.ts'

export const PRODUCTS = '/api/v1/products'

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** Of the body, whatever it is. */
  json: Product & Problem
}

interface SendOptions {
  headers?: Record<string, string>
  contentType?: string
  /** Of another instance than usual. */
  url?: string
}

export type WriteClient = (method: string, path: string, body?: unknown, options?: SendOptions) => Promise<Answer>

/** A client with a key that may write. A body that is text or bytes is sent as it is, anything else as JSON. */
export async function writeClient(connection: Connection, usualUrl: string): Promise<WriteClient> {
  const { key } = await makeKey(connection, { scopes: ['products:write'] })
  return async (method, path, body, { headers = {}, contentType = 'application/json', url = usualUrl } = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(url + path, {
      method,
      headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': contentType }), ...headers },
      ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: text === '' ? {} : JSON.parse(text) }
  }
}
