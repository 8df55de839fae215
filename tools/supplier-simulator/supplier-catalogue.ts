import { createRowGenerator } from '../../scripts/seed/generate-row.ts'
import { createRandom, weightedChoice } from '../../scripts/seed/random.ts'

/** A product as in the feed. */
export interface SupplierProduct {
  sku: string
  name: string
  description: string | null
  price: string
  category: string | null
  stock: number
  updatedAt: string
  deleted?: true
}

/** The body of a webhook. */
export interface ProductEvent {
  id: string
  type: string
  occurredAt: string
  data: Record<string, unknown>
}

/** A page of the feed. */
export interface CataloguePage {
  data: SupplierProduct[]
  nextCursor: string | null
}

/** The supplier's products, in memory. */
export interface SupplierCatalogue {
  /** Finds a product; undefined when there is none, or it was deleted. */
  find(sku: string): SupplierProduct | undefined
  /**
   * Returns a page of all products that changed at `updatedSince` or later, in the order of their changes. A product that
   * changes while a client reads the pages comes again at the end.
   * @throws {RangeError} when the cursor is invalid
   */
  page(updatedSince: string | null, cursor: string | null, limit: number): CataloguePage
  /** Changes, adds or deletes a random product, and returns the event. */
  change(): ProductEvent
}

const EVENTS_STREAM = 91
const DELETED_EVERY = 50

const drawType = weightedChoice(
  [
    ['product.stock_changed', 10],
    ['product.price_changed', 5],
    ['product.updated', 3],
    ['product.created', 1],
    ['product.deleted', 1]
  ],
  100
)

/**
 * Makes a catalogue with the products of a demo catalogue of the same seed. Every 50th product is deleted.
 * @param seed an unsigned 32-bit integer
 */
export function createSupplierCatalogue(size: number, seed: number, nowMs: () => number): SupplierCatalogue {
  const generateRow = createRowGenerator(seed)
  const random = createRandom(seed, EVENTS_STREAM)
  const products = new Map<string, SupplierProduct>()
  let nextIndex = 0
  let events = 0

  function add(): SupplierProduct {
    for (;;) {
      const { sku, name, description, price, category, stock, updated_at } = generateRow(nextIndex++)
      if (sku === null) continue
      const product = { sku, name, description, price, category, stock, updatedAt: `${updated_at.replace(' ', 'T')}Z` }
      products.set(sku, product)
      return product
    }
  }

  for (let count = 1; count <= size; count++) {
    const product = add()
    if (count % DELETED_EVERY === 0) product.deleted = true
  }
  let ordered = [...products.values()].sort(compare)

  function page(updatedSince: string | null, cursor: string | null, limit: number): CataloguePage {
    const after = cursor === null ? null : decode(cursor)
    const isWanted = (product: SupplierProduct) =>
      after === null ? product.updatedAt >= (updatedSince ?? '') : compare(product, after) > 0
    const start = ordered.findIndex(isWanted)
    const data = start === -1 ? [] : ordered.slice(start, start + limit)
    const last = data.at(-1)
    return { data, nextCursor: last !== undefined && start + limit < ordered.length ? encode(last) : null }
  }

  function change(): ProductEvent {
    random.start(events++)
    const type = drawType(random)
    const product = type === 'product.created' ? add() : draw()
    product.updatedAt = new Date(nowMs()).toISOString()
    ordered = [...ordered.filter((other) => other !== product), product]
    // With the time, so that ids are not repeated after a restart.
    const id = `evt_${nowMs().toString(36)}_${events.toString(36)}`
    return { id, type, occurredAt: product.updatedAt, data: apply(type, product) }
  }

  function draw(): SupplierProduct {
    for (;;) {
      const product = ordered[random.below(ordered.length)]
      if (product !== undefined && !product.deleted) return product
    }
  }

  function apply(type: string, product: SupplierProduct): Record<string, unknown> {
    const { sku } = product
    if (type === 'product.stock_changed') {
      product.stock = random.below(500)
      return { sku, stock: product.stock }
    }
    if (type === 'product.price_changed') {
      product.price = (1 + random.below(20_000) / 100).toFixed(2)
      return { sku, price: product.price }
    }
    if (type === 'product.updated') {
      product.description = `As of ${product.updatedAt.slice(0, 10)}.`
      return { sku, description: product.description }
    }
    if (type === 'product.deleted') {
      product.deleted = true
      return { sku }
    }
    const { updatedAt: _updatedAt, ...fields } = product
    return fields
  }

  return {
    find(sku) {
      const product = products.get(sku)
      return product?.deleted ? undefined : product
    },
    page,
    change
  }
}

type Position = Pick<SupplierProduct, 'updatedAt' | 'sku'>

function compare(a: Position, b: Position): number {
  if (a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt ? -1 : 1
  return a.sku < b.sku ? -1 : Number(a.sku > b.sku)
}

function encode({ updatedAt, sku }: Position): string {
  return Buffer.from(`${updatedAt} ${sku}`).toString('base64url')
}

function decode(cursor: string): Position {
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (match === null) throw new RangeError('The cursor is invalid.')
  return { updatedAt: match[1] ?? '', sku: match[2] ?? '' }
}
