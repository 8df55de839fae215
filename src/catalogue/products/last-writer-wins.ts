import type { Connection, RowDataPacket } from 'mysql2/promise'
import { requiredFields } from '../../../schemas/product-fields.ts'
import { sendRows } from '../../platform/database/statement-values.ts'
import { datetimeToMs } from '../../platform/lib/timestamps.ts'
import { fieldDefaults, type ProductFields, type RegisteredField, registeredFields } from './fields.ts'
import type { RowChanges } from './product-row.ts'

/** The fields of a product that have registers, which are stored under its sku. */
export type RegisteredFields = Pick<ProductFields, RegisteredField>

/** The registered values: the fields, and whether the product exists. */
interface Registered extends RegisteredFields {
  exists: boolean
}

/** The last write of a value: its time in ms since 1970, and the id of its event, which is empty for other writes. */
type Register<T> = readonly [value: T, atMs: number, eventId: string]

/** The last write of each registered value. A value that is missing was never written. */
export type Registers = { readonly [Name in keyof Registered]?: Register<Registered[Name]> }

/** Values that were written at one time, in ms since 1970, by one event. */
export interface RegisterWrite {
  readonly atMs: number
  readonly eventId: string
  readonly values: Partial<Registered>
}

/** What the registers need of a row of `products`. */
export interface RegisteredRow extends RegisteredFields {
  sku: string | null
  created_at: string
}

/** How far ahead of our clock the time of a write may be, in ms: a later write could not be undone for too long. */
export const MAX_AHEAD_MS = 300_000

const NAMES: readonly (keyof Registered)[] = [...registeredFields, 'exists']
const NONE: Registers = {}
const DEFAULTS: Partial<RegisteredFields> = fieldDefaults

/**
 * Merges a write into registers: for each value the last writer wins, in the order of (time, event). Writes end in the
 * same registers in whatever order they come, and however often: a last-writer-wins register map (Shapiro et al., A
 * comprehensive study of Convergent and Commutative Replicated Data Types, 2011).
 * @returns the registers themselves when the write is too late for all of its values
 */
export function mergeWrite(registers: Registers, { atMs, eventId, values }: RegisterWrite): Registers {
  const won = NAMES.filter((name) => values[name] !== undefined && isBefore(registers[name], atMs, eventId))
  return won.length === 0 ? registers : withValues(registers, won, values, () => [atMs, eventId])
}

/**
 * Writes values unconditionally: now, or right after the last write where that one is dated later. A client whose write
 * has succeeded finds its values until an event that is dated after them.
 */
export function overwrite(registers: Registers, values: Partial<Registered>, nowMs: number): Registers {
  const written = NAMES.filter((name) => values[name] !== undefined)
  return withValues(registers, written, values, (name) => [
    Math.max(nowMs, (registers[name]?.[1] ?? Number.NEGATIVE_INFINITY) + 1),
    ''
  ])
}

/**
 * Completes the stored registers of a sku with what its product shows. Most products have no registers: nothing has changed
 * them since they were made, so each of their values was written then.
 * @param row the product with the sku, if there is one
 */
export function presentRegisters(stored: Registers = NONE, row: RegisteredRow | undefined): Registers {
  if (row === undefined || stored.exists?.[0] === true) return stored
  return mergeWrite(stored, { atMs: datetimeToMs(row.created_at), eventId: '', values: existing(row) })
}

/**
 * Makes the fields of the product that registers describe.
 * @returns undefined where they describe none: it was deleted, or never created
 */
export function toFields(registers: Registers): RegisteredFields | undefined {
  if (registers.exists?.[0] !== true || requiredFields.some((name) => registers[name] === undefined)) return undefined
  const fields: Partial<Record<RegisteredField, unknown>> = {}
  for (const name of registeredFields) {
    const register = registers[name]
    fields[name] = register === undefined ? DEFAULTS[name] : register[0]
  }
  return fields as RegisteredFields
}

/** Makes the values of a write that creates or replaces a product. */
export function existing(fields: RegisteredFields): Registered {
  const values: Partial<Record<RegisteredField, unknown>> = {}
  for (const name of registeredFields) values[name] = fields[name]
  return { ...(values as RegisteredFields), exists: true }
}

/** Lists the registered fields whose values differ, with their new values. */
export function changedFields(before: RegisteredFields, after: RegisteredFields): Partial<RegisteredFields> {
  return Object.fromEntries(
    registeredFields.filter((name) => after[name] !== before[name]).map((name) => [name, after[name]])
  )
}

function isBefore(register: Register<unknown> | undefined, atMs: number, eventId: string): boolean {
  if (register === undefined) return true
  const [, presentMs, presentId] = register
  return presentMs < atMs || (presentMs === atMs && presentId < eventId)
}

function withValues(
  registers: Registers,
  names: readonly (keyof Registered)[],
  values: Partial<Registered>,
  stamp: (name: keyof Registered) => [atMs: number, eventId: string]
): Registers {
  return { ...registers, ...Object.fromEntries(names.map((name) => [name, [values[name], ...stamp(name)]])) }
}

/** Registers by sku. */
export type RegistersBySku = ReadonlyMap<string, Registers>

const READ = 'SELECT sku, registers FROM product_registers WHERE sku IN (?) ORDER BY sku FOR UPDATE'
const INSERT = 'INSERT INTO product_registers (sku, registers) VALUES ?'
const CREATE = `${INSERT} ON DUPLICATE KEY UPDATE registers = registers`
const STORE = `${INSERT} ON DUPLICATE KEY UPDATE registers = VALUES(registers)`

/**
 * Reads the stored registers of these skus and locks them until the end of the transaction.
 * @returns the registers by sku; a sku without stored registers is missing
 */
export async function readRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  const [rows] = await connection.query<({ sku: string; registers: string } & RowDataPacket)[]>(READ, [skus])
  return new Map(rows.map(({ sku, registers }) => [sku, JSON.parse(registers)]))
}

/**
 * Reads the registers of these skus and locks them until the end of the transaction, creating empty ones where there are
 * none: then no other transaction can store registers for them either.
 * @param skus in ascending order, so that two transactions wait for each other instead of blocking each other
 */
export async function lockRegisters(connection: Connection, skus: readonly string[]): Promise<Map<string, Registers>> {
  await connection.query(CREATE, [skus.map((sku) => [sku, '{}'])])
  return await readRegisters(connection, skus)
}

/** Stores registers, in the transaction that the connection is in. */
export async function storeRegisters(connection: Connection, registers: RegistersBySku): Promise<void> {
  const rows = Array.from(registers, ([sku, values]) => [sku, JSON.stringify(values)])
  await sendRows(connection, STORE, rows)
}

/** A write of some registered values of one sku. */
interface SkuOverwrite {
  sku: string
  /** The product that had the sku before the write. */
  before?: RegisteredRow
  values: Parameters<typeof overwrite>[1]
  /**
   * Whether the values follow from the row alone: everything in a new product was written when it was created. Such a
   * write is stored only where the sku has registers already.
   */
  isImplicit?: boolean
}

/**
 * Brings writes of clients into the registers, so that no older event undoes them: in the transaction of the write, after
 * the rows of `products` are written.
 *
 * A transaction that applies events locks the registers of a sku first, which creates them where there are none, and then
 * its product. This one holds the lock of the product, and comes for the registers. So of the two the second waits for the
 * first, or the server ends one of them, to be run again. That holds for a product that is being created, too: where we
 * find no registers, theirs come later, and then their look at the product waits for us; where theirs are there, we wait
 * for them. Neither decides on what the other is about to change.
 */
export async function advanceRegisters(connection: Connection, changes: RowChanges, nowMs: number): Promise<void> {
  const overwrites = [...toOverwrites(changes)]
  const skus = [...new Set(overwrites.map(({ sku }) => sku))].sort()
  if (skus.length === 0) return
  const stored = await readRegisters(connection, skus)
  const changed = new Map<string, Registers>()
  for (const { sku, before, values, isImplicit } of overwrites) {
    const present = changed.get(sku) ?? stored.get(sku)
    if (present === undefined && isImplicit) continue
    changed.set(sku, overwrite(presentRegisters(present, before), values, nowMs))
  }
  await storeRegisters(connection, changed)
}

/** Lists the writes that free a sku before those that take it. */
function* toOverwrites({ created, updated, deleted }: RowChanges): Generator<SkuOverwrite> {
  const moved = updated.filter(({ before, after }) => before.sku !== after.sku)
  for (const before of [...deleted, ...moved.map(({ before }) => before)]) {
    if (before.sku !== null) yield { sku: before.sku, before, values: { exists: false } }
  }
  for (const row of created) {
    if (row.sku !== null) yield { sku: row.sku, values: existing(row), isImplicit: true }
  }
  for (const { after } of moved) {
    if (after.sku !== null) yield { sku: after.sku, values: existing(after) }
  }
  for (const { before, after } of updated) {
    const values = changedFields(before, after)
    const isRegistered = before.sku === after.sku && Object.keys(values).length > 0
    if (isRegistered && before.sku !== null) yield { sku: before.sku, before, values }
  }
}
