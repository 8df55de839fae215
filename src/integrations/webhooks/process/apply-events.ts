import type { Connection } from 'mysql2/promise'
import {
  applyRegisterWrites,
  applyWithRetries,
  type SkuWrite
} from '../../../catalogue/products/apply-register-writes.ts'
import type { Sources } from '../../../catalogue/products/upsert-products.ts'
import type { Database } from '../../../platform/database/database.ts'
import type { ClaimedEvent, EventLease } from './claim-events.ts'
import { InvalidEventError, readEffect } from './read-effect.ts'
import { type SettledEvent, settleEvents } from './settle-events.ts'

/** The result of applying events. */
export interface AppliedEvents {
  settled: readonly SettledEvent[]
  /** The ids of the products that were changed, in hexadecimal digits. */
  productIds: readonly string[]
}

type ReadEvent = { event: ClaimedEvent; effect: SkuWrite } | { event: ClaimedEvent; reason: string }

/**
 * Applies events to the registers of their products and to the products, and writes the outcome of each event, all in one
 * transaction. An event whose data can never be applied becomes dead.
 * @throws {LeaseLostError} when another worker has claimed one of the events; what `Database.transaction` throws. Nothing
 * is committed then
 */
export function applyEvents(
  database: Database,
  events: readonly ClaimedEvent[],
  lease: EventLease,
  sources: Sources
): Promise<AppliedEvents> {
  const nowMs = sources.nowMs()
  const read = events.map((event) => readEvent(event, nowMs))
  return applyWithRetries(database.transaction, (connection) => apply(connection, read, lease, sources))
}

async function apply(
  connection: Connection,
  read: readonly ReadEvent[],
  lease: EventLease,
  sources: Sources
): Promise<AppliedEvents> {
  const effects = read.flatMap((one) => ('effect' in one ? [one.effect] : []))
  const { hasWon, created, updated, deleted } = await applyRegisterWrites(connection, effects, sources)
  const won = new Map(effects.map((effect, place) => [effect, hasWon[place]]))
  const settled = read.map((one): SettledEvent => {
    const { id, attempts } = one.event
    if ('reason' in one) return { id, status: 'dead', attempts, reason: one.reason }
    return { id, status: won.get(one.effect) ? 'done' : 'stale' }
  })
  await settleEvents(connection, settled, lease)
  return { settled, productIds: [...created, ...updated, ...deleted].map(({ id }) => id.toString('hex')) }
}

function readEvent(event: ClaimedEvent, nowMs: number): ReadEvent {
  try {
    return { event, effect: readEffect(event, nowMs) }
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    return { event, reason: error.message }
  }
}
