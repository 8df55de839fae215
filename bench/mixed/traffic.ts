import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { createRandom, zipfChoice } from '../../scripts/seed/random.ts'
import { encodeRequest, type HttpResponse, headerOf } from '../load/http-client.ts'
import { runOpenLoop } from '../load/open-loop.ts'
import { addAll, count, type Tally } from '../load/tally.ts'
import { queryPath } from './queries.ts'

export const HOT_QUERIES = 10_000

export interface Traffic {
  port: number
  rate: number
  durationMs: number
  /** Of the requests, for lists that nobody has asked for before. */
  coldShare: number
}

export interface TrafficResult {
  /** By `Cache-Status` (RFC 9211). */
  hits: RecordableHistogram
  misses: RecordableHistogram
  /** Those of the misses that were for a list that nobody had asked for before. */
  coldMisses: RecordableHistogram
  delayMicros: RecordableHistogram
  errors: Tally
}

const SEED = 42
const STREAM = 3
/** Fine enough that the rarest of the queries is asked for as often as it should be. */
const SLOTS = 2 ** 20

const random = createRandom(SEED, STREAM)
random.start(0)
const drawHot = zipfChoice(
  Array.from({ length: HOT_QUERIES }, (_, index) => encodeRequest(queryPath(index))),
  SLOTS
)
/** Goes on from run to run: what one has asked for is not cold in the next. */
let nextCold = HOT_QUERIES

/** Asks for lists: the k-th most popular with a weight of 1/k, and some that are new. */
export async function runTraffic({ coldShare, ...load }: Traffic): Promise<TrafficResult> {
  const hits = createHistogram()
  const misses = createHistogram()
  const coldMisses = createHistogram()
  const errors: Tally = new Map()
  const cold = new WeakSet<Buffer>()

  function nextRequest(): Buffer {
    if (!random.chance(coldShare)) return drawHot(random)
    const request = encodeRequest(queryPath(nextCold++))
    cold.add(request)
    return request
  }

  const { delayMicros, errors: unanswered } = await runOpenLoop({
    ...load,
    nextRequest,
    onResponse(response, latencyMicros, request) {
      if (response.status !== 200) return count(errors, `status ${response.status}`)
      const micros = Math.max(1, Math.round(latencyMicros))
      if (isHit(response)) return hits.record(micros)
      misses.record(micros)
      if (cold.has(request)) coldMisses.record(micros)
    }
  })
  addAll(errors, unanswered)
  return { hits, misses, coldMisses, delayMicros, errors }
}

function isHit(response: HttpResponse): boolean {
  return /;\s*hit\b/.test(headerOf(response, 'cache-status') ?? '')
}
