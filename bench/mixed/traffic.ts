import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { createRandom, zipfChoice } from '../../scripts/seed/random.ts'
import { encodeRequest, type HttpResponse, headerOf } from '../load/http-client.ts'
import { runOpenLoop } from '../load/open-loop.ts'
import { addAll, count, type Tally } from '../load/tally.ts'
import { queryPath } from './queries.ts'

/** The number of lists that are requested again and again. */
export const HOT_QUERIES = 10_000

/** A load on lists. */
export interface Traffic {
  port: number
  rate: number
  durationMs: number
  /** The share of requests for lists that were never requested before. */
  coldShare: number
}

/** Latencies in µs, by `Cache-Status` (RFC 9211). */
export interface TrafficResult {
  hits: RecordableHistogram
  misses: RecordableHistogram
  /** The misses for lists that were never requested before. */
  coldMisses: RecordableHistogram
  delayMicros: RecordableHistogram
  errors: Tally
}

const SEED = 42
const STREAM = 3
/** Fine enough for the share of the rarest query. */
const SLOTS = 2 ** 20

const random = createRandom(SEED, STREAM)
random.start(0)
const drawHot = zipfChoice(
  Array.from({ length: HOT_QUERIES }, (_, index) => encodeRequest(queryPath(index))),
  SLOTS
)
/** Continues from run to run: a list is cold only once. */
let nextCold = HOT_QUERIES

/** Requests hot lists, the k-th most popular with weight 1/k (Zipf's law), and some cold ones. */
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
