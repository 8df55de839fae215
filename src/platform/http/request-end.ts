/** What there is to tell of a request when it has come to its end: for logs and metrics. */
export interface RequestEnd {
  requestId: string
  /** These are null when it never became a request that can be read. */
  method: string | null
  url: string | null
  /** The path of its route, such as `/api/v1/products/:id`; null when there is none. */
  route: string | null
  /** Of the answer; 499 when the client went away before there was one. */
  status: number
  durationMs: number
  /** A part of that time may have gone by in waiting for something to happen, as the client wished. */
  mayWait?: boolean
  /** The API key of the client. */
  keyId: string | null
  /** Where the answer comes from, when there is a cache. */
  cache: string | null
  /** The answer did not reach its end. */
  aborted: boolean
}
