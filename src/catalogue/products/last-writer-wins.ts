import type { Product } from '../../../schemas/products.ts'

/** What is known of a product under its sku. */
export type RegisteredFields = Pick<Product, 'name' | 'description' | 'price' | 'category' | 'stock'>

/** The fields, each with a register of its own, and the one for whether there is such a product. */
interface Registered extends RegisteredFields {
  exists: boolean
}

/** The last write of a value: when it was, in ms since 1970, and by which event; '' for a write that was no event. */
type Register<T> = readonly [value: T, atMs: number, eventId: string]

/** The last write of each value. What is not there was never written. */
export type Registers = { readonly [Name in keyof Registered]?: Register<Registered[Name]> }

/** Values that were written at one time. */
export interface RegisterWrite {
  readonly atMs: number
  readonly eventId: string
  readonly values: Partial<Registered>
}

/** A row of `products`, or as much of it as there are registers for. */
export interface RegisteredRow extends RegisteredFields {
  sku: string | null
  /** As the database has it. */
  created_at: string
}

/** How far the clock of another writer may be ahead of ours: nobody could undo what is dated later. */
export const MAX_AHEAD_MS = 300_000

const FIELDS = ['name', 'description', 'price', 'category', 'stock'] as const satisfies (keyof RegisteredFields)[]
const NAMES = [...FIELDS, 'exists'] as const satisfies (keyof Registered)[]

/**
 * Lets the last writer win, value by value, in the order of (time, event). So registers become the same in whatever order
 * writes come, and however often: a last-writer-wins register map (Shapiro et al., A comprehensive study of Convergent and
 * Commutative Replicated Data Types, 2011).
 * @returns the registers themselves when the write comes too late for all of its values
 */
export function mergeWrite(registers: Registers, { atMs, eventId, values }: RegisterWrite): Registers {
  const won = NAMES.filter((name) => values[name] !== undefined && isBefore(registers[name], atMs, eventId))
  return won.length === 0 ? registers : withValues(registers, won, values, () => [atMs, eventId])
}

/**
 * Writes values for good: now, or right after what is there already where that is dated later. A client that was told of
 * its write finds it, until there is an event from after it.
 */
export function overwrite(registers: Registers, values: Partial<Registered>, nowMs: number): Registers {
  const written = NAMES.filter((name) => values[name] !== undefined)
  return withValues(registers, written, values, (name) => [
    Math.max(nowMs, (registers[name]?.[1] ?? Number.NEGATIVE_INFINITY) + 1),
    ''
  ])
}

/** The product that the registers make: undefined where there is none. */
export function toFields(registers: Registers): RegisteredFields | undefined {
  const { name, price, description, category, stock, exists } = registers
  if (exists?.[0] !== true || name === undefined || price === undefined) return undefined
  return {
    name: name[0],
    description: description?.[0] ?? null,
    price: price[0],
    category: category?.[0] ?? null,
    stock: stock?.[0] ?? 0
  }
}

/** What a write says of a product that is there from then on. */
export function existing({ name, description, price, category, stock }: RegisteredFields): Registered {
  return { name, description, price, category, stock, exists: true }
}

/** The fields that are not what they were. */
export function changedFields(before: RegisteredFields, after: RegisteredFields): Partial<RegisteredFields> {
  return Object.fromEntries(FIELDS.filter((name) => after[name] !== before[name]).map((name) => [name, after[name]]))
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
