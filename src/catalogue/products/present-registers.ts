import { datetimeToMs } from '../../platform/database/datetime.ts'
import { existing, mergeWrite, type RegisteredRow, type Registers } from './last-writer-wins.ts'

const NONE: Registers = {}

/**
 * The registers of a sku, whose product, where there is one, is as the row says. Most products have none stored: nothing
 * has changed them since they were made, so all of it was written then.
 */
export function presentRegisters(stored: Registers = NONE, row: RegisteredRow | undefined): Registers {
  if (row === undefined || stored.exists?.[0] === true) return stored
  const atMs = datetimeToMs(row.created_at)
  return mergeWrite(stored, { atMs, eventId: '', values: existing(row) })
}
