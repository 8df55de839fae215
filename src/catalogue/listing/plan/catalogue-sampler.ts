import type { Database } from '../../../platform/database/database.ts'
import { type CatalogueSample, drawSample } from './catalogue-sample.ts'

/** Keeps a sample of the catalogue at hand. */
export interface CatalogueSampler {
  /** @throws {AppError} when there is none yet, and the database does not answer */
  current(): Promise<CatalogueSample>
  /** It has misled somebody: the next one who asks waits for a new one. */
  distrust(): void
}

/** A sample that is older than this is replaced while it is used (stale-while-revalidate). */
const FRESH_MS = 30_000
/** One that is older than this is not used any more. */
const MAX_AGE_MS = 60_000
/** However often it misleads: it is drawn by hashes of ids, so that the next one is much the same. */
const MIN_AGE_MS = 10_000

/** @param nowMs a monotonic clock */
export function createCatalogueSampler(database: Pick<Database, 'execute'>, nowMs: () => number): CatalogueSampler {
  let sample: CatalogueSample | undefined
  let drawnAtMs = 0
  let isTrusted = true
  let drawing: Promise<CatalogueSample> | undefined

  function draw(): Promise<CatalogueSample> {
    drawing ??= drawAnew().finally(() => {
      drawing = undefined
    })
    return drawing
  }

  async function drawAnew(): Promise<CatalogueSample> {
    const beganAtMs = nowMs()
    sample = await drawSample(database)
    drawnAtMs = beganAtMs
    isTrusted = true
    return sample
  }

  return {
    async current() {
      if (sample === undefined) return await draw()
      const ageMs = nowMs() - drawnAtMs
      if (ageMs >= MAX_AGE_MS || (!isTrusted && ageMs >= MIN_AGE_MS)) return await draw()
      // Whoever asks when it is too old meets the error.
      if (ageMs >= FRESH_MS) draw().catch(() => {})
      return sample
    },

    distrust() {
      isTrusted = false
    }
  }
}
