/** The summary of a request that has ended, for logs and metrics. */
export interface RequestEnd {
  requestId: string
  /** Null when the request could not be parsed. */
  method: string | null
  /** As it was requested, with its query. Null when the request could not be parsed. */
  url: string | null
  /** The path of the route, such as `/api/v1/products/:id`; null when no route matched. */
  route: string | null
  /** The status of the response; 499 when the client disconnected before there was one. */
  status: number
  durationMs: number
  /** Whether the client may have asked to wait for something to happen: then a long duration is not slow. */
  mayWait?: boolean
  /** The id of the client's API key; null without a valid key. */
  keyId: string | null
  /** Where the response comes from; null for responses that are not cached. */
  cache: string | null
  /** Whether the client disconnected before the end of the response. */
  aborted: boolean
}
