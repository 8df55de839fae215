import type { Connection } from 'mysql2/promise'
import { searchColumn } from '../../src/catalogue/search/search-words.ts'
import { signatureColumns, signatureOf } from '../../src/catalogue/search/word-signature.ts'
import { timestampToDatetime } from '../../src/platform/lib/timestamps.ts'
import { uuidV7 } from '../../src/platform/lib/uuid.ts'

export interface ProductFixture {
  id?: Buffer
  sku?: string | null
  name?: string
  description?: string | null
  price?: string
  category?: string | null
  stock?: number
  createdAt?: string
  updatedAt?: string
}

let count = 0

/** Inserts products as they are given, with plain values for what is not; answers their ids in the same order. */
export async function insertProducts(connection: Connection, fixtures: readonly ProductFixture[]): Promise<Buffer[]> {
  const rows = fixtures.map((fixture) => {
    const product = { ...defaults(), ...fixture }
    const words = searchColumn(product.name, product.description)
    return [
      product.id,
      product.sku,
      product.name,
      product.description,
      product.price,
      product.category,
      product.stock,
      timestampToDatetime(product.createdAt),
      timestampToDatetime(product.updatedAt),
      words,
      ...signatureOf(words)
    ]
  })
  for (let start = 0; start < rows.length; start += 1000) {
    await connection.query(
      `INSERT INTO products (id, sku, name, description, price, category, stock, created_at, updated_at, search_words,
        ${signatureColumns.join(', ')}) VALUES ?`,
      [rows.slice(start, start + 1000)]
    )
  }
  return rows.map(([id]) => id as Buffer)
}

function defaults(): Required<ProductFixture> {
  count++
  // Spread, so that ids come in no order.
  const random = Buffer.alloc(10)
  random.writeUInt32BE((count * 2_654_435_761) >>> 0, 2)
  return {
    id: uuidV7(1_750_000_000_000 + ((count * 7919) % 10_000), random),
    sku: null,
    name: `Product ${count}`,
    description: null,
    price: '9.99',
    category: null,
    stock: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z'
  }
}
