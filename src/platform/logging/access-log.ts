import { hostname } from 'node:os'
import { levels } from 'pino'
import type { Config } from '../../config/config.ts'
import type { RequestEnd } from '../http/request-end.ts'
import { createBoundedMap } from '../lib/bounded-map.ts'
import type { LogStream } from './log-stream.ts'
import { type RemoveKeys, redactUrl } from './redaction.ts'

const SLOW_MS = 1000
const MAX_REMEMBERED = 1000
const MAX_REMEMBERED_LENGTH = 256
const { error: ERROR, warn: WARN, info: INFO } = levels.values as { error: number; warn: number; info: number }

interface AccessLogOptions {
  stream: Pick<LogStream, 'append'>
  /** The lowest level that is logged. */
  level: Config['log']['level']
  /** Removes API keys from URLs. */
  withoutKeys: RemoveKeys
  /** Unix time, in ms. */
  nowMs?: () => number
}

/**
 * Makes a function that writes the log line of a request: level error for a 5xx, warn from 1 second on, info otherwise.
 *
 * The line is built by hand in the format of pino. pino itself would cost more than everything else that surrounds a
 * response from the cache.
 */
export function createAccessLog(options: AccessLogOptions): (record: RequestEnd) => void {
  const { stream, level, withoutKeys, nowMs = Date.now } = options
  const quoteUrl = remembering((url) => JSON.stringify(redactUrl(url, withoutKeys)))
  const lowest = levels.values[level] ?? Number.POSITIVE_INFINITY
  return (record) => {
    const level = levelOf(record)
    if (level >= lowest) stream.append(level, accessLine(level, nowMs(), record, quoteUrl(record.url)))
  }
}

function levelOf({ status, durationMs, mayWait = false }: RequestEnd): number {
  if (status >= 500) return ERROR
  return durationMs >= SLOW_MS && !mayWait ? WARN : INFO
}

const BINDINGS = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`

function accessLine(level: number, time: number, record: RequestEnd, quotedUrl: string | null): string {
  const { requestId, method, route, status, durationMs, keyId, cache, aborted } = record
  return (
    `{"level":${level},"time":${time}${BINDINGS}${JSON.stringify(requestId)},"method":${quote(method)}` +
    `,"url":${quotedUrl},"route":${quote(route)},"status":${status}` +
    `,"durationMs":${Math.round(durationMs * 1000) / 1000},"keyId":${quote(keyId)},"cache":${quote(cache)}` +
    (aborted ? ABORTED : COMPLETED)
  )
}

const COMPLETED = ',"msg":"request completed"}\n'
const ABORTED = ',"aborted":true,"msg":"request aborted"}\n'

const quote = remembering((text) => JSON.stringify(text))

/** Most strings occur again: finding their JSON is several times as fast as making it. */
function remembering(toJson: (text: string) => string) {
  const known = createBoundedMap<string, string>(MAX_REMEMBERED)
  return (text: string | null): string | null => {
    if (text === null) return null
    const found = known.get(text)
    if (found !== undefined) return found
    const json = toJson(text)
    if (text.length <= MAX_REMEMBERED_LENGTH) known.set(text, json)
    return json
  }
}
