import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import type { Config } from '../../src/config/config.ts'
import { formatId } from '../../src/platform/lib/uuid.ts'
import { type Supplier, type SupplierOptions, startSupplier } from '../../tools/supplier-simulator/start-supplier.ts'
import type { SupplierProduct } from '../../tools/supplier-simulator/supplier-catalogue.ts'
import { insertProducts } from './insert-products.ts'
import { testConfig, testConnection } from './test-config.ts'
import { waitFor } from './wait-for.ts'

export interface ShopProduct {
  id: string
  sku: string
  /** The path of its availability. */
  path: string
  /** The response with the supplier's stock, and the one with that of the catalogue. */
  live: object
  catalogue: object
}

export interface Shop {
  config: Config
  supplier: Supplier
  /** Returns a product that was not returned before. */
  next(): ShopProduct
}

export const UPDATED_AT = '2026-02-03T04:05:06.789Z'
export const WAIT_MS = 30_000
const PRODUCTS = 200
/** More than any stock of the simulator. */
const STOCK = 1_000_001

/** Returns the environment variables for a client of a simulator. */
export function supplierVariables({ url, tokenUrl, clientId, clientSecret }: Supplier): Record<string, string> {
  const oauth = { OAUTH_TOKEN_URL: tokenUrl, OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }
  return { ...oauth, EXTERNAL_API_BASE_URL: url }
}

/** Starts a supplier, and makes a catalogue with its products. Time limits and the breaker are far away by default. */
export async function openShop(
  t: Test,
  variables: Record<string, string> = {},
  options: SupplierOptions = {}
): Promise<Shop> {
  const supplier = await startSupplier({ products: PRODUCTS, ...options })
  t.teardown(() => supplier.close())
  const config = await testConfig(t, {
    ...supplierVariables(supplier),
    EXTERNAL_API_TIMEOUT: '60000',
    EXTERNAL_API_RETRY_DELAY: '1',
    AVAILABILITY_DEADLINE_MS: '30000',
    CIRCUIT_BREAKER_THRESHOLD: '1000000',
    ...variables
  })
  const known = supplier.catalogue.page(null, null, PRODUCTS).data.filter(({ deleted }) => !deleted)
  const fixtures = known.map(({ sku }) => ({ sku, stock: STOCK, updatedAt: UPDATED_AT }))
  const ids = await insertProducts(await testConnection(t, config), fixtures)
  const products = known.map((product, place) => toProduct(product, formatId(ids[place] ?? Buffer.alloc(16))))
  return {
    config,
    supplier,
    next() {
      const product = products.pop()
      if (product === undefined) throw new Error('all products were asked for')
      return product
    }
  }
}

/** Sends a request, again for as long as the service is overloaded: the machine may be busy. */
export async function get(app: App, path: string) {
  return await waitFor('an answer', async () => {
    const { statusCode, headers, body } = await app.inject(path)
    const answer = { status: statusCode, headers, body: JSON.parse(body) }
    return answer.body.code !== 'overloaded' && answer
  })
}

function toProduct({ sku, stock, updatedAt }: SupplierProduct, id: string): ShopProduct {
  const common = { productId: id, sku }
  return {
    id,
    sku,
    path: `/api/v1/products/${id}/availability`,
    live: { ...common, available: stock, source: 'live', asOf: updatedAt },
    catalogue: { ...common, available: STOCK, source: 'catalogue', asOf: UPDATED_AT }
  }
}
