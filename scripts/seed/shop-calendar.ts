import { createRandom, type Random } from './random.ts'

/**
 * The shop doubles its products every quarter, so that a catalogue of any size has a history: 2^27 rows in the sixteen
 * quarters from 2022 to 2025.
 */
const OPENED_AT_MS = Date.UTC(2022, 0, 1)
const QUARTER_MS = 91.3125 * 86_400_000
const QUARTERS = 16
const FIRST_ROWS = 2 ** 11
const CLOSED_AT_MS = OPENED_AT_MS + QUARTERS * QUARTER_MS
const MONTH_MS = QUARTER_MS / 3

/** The largest size of a catalogue. */
export const MAX_ROWS = FIRST_ROWS * (2 ** QUARTERS - 1)
/** The number of months of the shop. */
export const MONTHS = QUARTERS * 3

/** Rows of one import have the same time. */
const LARGE_IMPORT = { rows: 2 ** 11, share: 1 / 4, stream: 1 }
const SMALL_IMPORT = { rows: 2 ** 6, share: 1 / 3, stream: 2 }

const UNCHANGED_SHARE = 0.4
const REPRICED_SHARE = 0.3
const REPRICINGS = 6

/** The times at which products are created and changed. */
export interface ShopCalendar {
  /** Draws when a row was created, in Unix ms: never earlier than the row before. */
  createdAtMs(index: number, random: Random): number
  /** Draws when a row was last changed: often never, often together with many others. */
  updatedAtMs(createdAtMs: number, random: Random): number
}

/** Creates the calendar of a seed. */
export function createShopCalendar(seed: number): ShopCalendar {
  const imports = [LARGE_IMPORT, SMALL_IMPORT].map(({ rows, share, stream }) => {
    const random = createRandom(seed, stream)
    let block = -1
    let isImport = false
    return {
      rows,
      includes(index: number): boolean {
        if (Math.floor(index / rows) !== block) {
          block = Math.floor(index / rows)
          random.start(block)
          isImport = random.chance(share)
        }
        return isImport
      }
    }
  })

  function createdAtMs(index: number, random: Random): number {
    const place = random.fraction()
    for (const { rows, includes } of imports) {
      if (includes(index)) return listedAtMs(index - (index % rows), 0)
    }
    return listedAtMs(index, place)
  }

  return { createdAtMs, updatedAtMs }
}

function listedAtMs(index: number, place: number): number {
  const rows = FIRST_ROWS + index
  const quarter = 31 - Math.clz32(rows / FIRST_ROWS)
  const rowsBefore = FIRST_ROWS * 2 ** quarter
  return Math.floor(OPENED_AT_MS + QUARTER_MS * (quarter + (rows - rowsBefore + place) / rowsBefore))
}

function updatedAtMs(createdAtMs: number, random: Random): number {
  const kind = random.fraction()
  const later = random.fraction()
  if (kind < UNCHANGED_SHARE) return createdAtMs
  if (kind < UNCHANGED_SHARE + REPRICED_SHARE) {
    const month = monthOf(createdAtMs) + 1 + Math.floor(later * REPRICINGS)
    return OPENED_AT_MS + Math.min(month, MONTHS) * MONTH_MS
  }
  return createdAtMs + Math.floor(later * later * later * (CLOSED_AT_MS - createdAtMs))
}

/** Returns the month of the shop that contains a time, from 0. */
export function monthOf(timeMs: number): number {
  return Math.floor((timeMs - OPENED_AT_MS) / MONTH_MS)
}
