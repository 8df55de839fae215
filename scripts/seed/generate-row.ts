import { fieldDefaults } from '../../src/catalogue/products/fields.ts'
import type { ProductRow } from '../../src/catalogue/products/product-row.ts'
import { toDatetime } from '../../src/platform/lib/timestamps.ts'
import { uuidV7 } from '../../src/platform/lib/uuid.ts'
import { drawText, type ProductText } from './draw-text.ts'
import { formatCents } from './prices.ts'
import { createRandom, type Random } from './random.ts'
import { drawShelf } from './shelves.ts'
import { createShopCalendar, monthOf } from './shop-calendar.ts'

/** A generated row of `products`, with its search columns. Fields that are not generated have their default values. */
export type CatalogueRow = ProductRow & ProductText

const ROWS_STREAM = 0
/** The version of an unchanged product. */
const FIRST_VERSION = 1
const WITHOUT_SKU = 0.02
const WITHOUT_CATEGORY = 0.015
const SOLD_OUT = 0.2
const MAX_STOCK = 900

/**
 * Creates a function that generates the row with an index. A row depends on the seed and its index alone, and is never
 * older than the row before.
 * @param seed an unsigned 32-bit integer
 */
export function createRowGenerator(seed: number): (index: number) => CatalogueRow {
  const random = createRandom(seed, ROWS_STREAM)
  const calendar = createShopCalendar(seed)
  const randomBytes = Buffer.alloc(12)
  const skuSeed = seed.toString(36)

  return function generateRow(index) {
    random.start(index)
    const createdAtMs = calendar.createdAtMs(index, random)
    const updatedAtMs = calendar.updatedAtMs(createdAtMs, random)
    for (let offset = 0; offset < randomBytes.length; offset += 4) randomBytes.writeUInt32LE(random.bits(), offset)
    const shelf = drawShelf(monthOf(createdAtMs), random)
    const sku = `${shelf.code}-${skuSeed}-${index.toString(36)}`.toUpperCase()
    return {
      id: uuidV7(createdAtMs, randomBytes),
      ...fieldDefaults,
      sku: random.chance(WITHOUT_SKU) ? null : sku,
      ...drawText(shelf, random),
      price: formatCents(shelf.cents(random)),
      category: random.chance(WITHOUT_CATEGORY) ? null : shelf.category,
      stock: drawStock(random),
      created_at: toDatetime(createdAtMs),
      updated_at: toDatetime(updatedAtMs),
      version: FIRST_VERSION
    }
  }
}

/** Draws the stock: many products are sold out, and few have large numbers. */
function drawStock(random: Random): number {
  if (random.chance(SOLD_OUT)) return 0
  const fraction = random.fraction()
  return 1 + Math.floor(fraction * fraction * fraction * MAX_STOCK)
}
