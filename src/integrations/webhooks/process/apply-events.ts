import type { Connection } from 'mysql2/promise'
import {
  applyRegisterWrites,
  applyWithRetries,
  type SkuWrite
} from '../../../catalogue/products/apply-register-writes.ts'
import type { Sources } from '../../../catalogue/products/upsert-products.ts'
import type { Database } from '../../../platform/database/database.ts'
import type { ClaimedEvent } from './claim-events.ts'
import { InvalidEventError, readEffect } from './read-effect.ts'
import { type EventLease, type Settled, settleEvents } from './settle-events.ts'

export interface Applied {
  settled: readonly Settled[]
  /** The ids, in hexadecimal digits, of the products that were changed. */
  productIds: readonly string[]
}

type ReadEvent = { event: ClaimedEvent; effect: SkuWrite } | { event: ClaimedEvent; reason: string }

/**
 * Applies events to the registers of their products, and to the products, in one transaction with what has become of
 * them: all of it, or nothing. An event whose data can't be applied, now or later, is dead.
 * @throws {LeaseLostError}; what `Database.transaction` throws
 */
export function applyEvents(
  database: Database,
  events: readonly ClaimedEvent[],
  lease: EventLease,
  sources: Sources
): Promise<Applied> {
  const nowMs = sources.nowMs()
  const read = events.map((event) => readEvent(event, nowMs))
  return applyWithRetries(database.transaction, (connection) => apply(connection, read, lease, sources))
}

async function apply(connection: Connection, read: readonly ReadEvent[], lease: EventLease, sources: Sources) {
  const effects = read.flatMap((it) => ('effect' in it ? [it.effect] : []))
  const { hasWon, created, updated, deleted } = await applyRegisterWrites(connection, effects, sources)
  const won = new Map(effects.map((effect, place) => [effect, hasWon[place]]))
  const settled = read.map((it): Settled => {
    const { id, attempts } = it.event
    if ('reason' in it) return { id, status: 'dead', attempts, reason: it.reason }
    return { id, status: won.get(it.effect) ? 'done' : 'stale' }
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
