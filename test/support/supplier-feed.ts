import { randomBytes } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import { type Change, decodeChanges } from '../../src/catalogue/change-log/product-changes.ts'
import type { Config } from '../../src/config/config.ts'
import { openSupplierForCommand } from '../../src/integrations/supplier/open-supplier.ts'
import type { ItemRefusal } from '../../src/integrations/supplier/sync/read-item.ts'
import { type SyncOptions, type SyncSummary, syncProducts } from '../../src/integrations/supplier/sync/sync-products.ts'
import { type Supplier, type SupplierOptions, startSupplier } from '../../tools/supplier-simulator/start-supplier.ts'
import { body, type ScriptedUpstream } from './scripted-upstream.ts'
import { supplierVariables } from './shop.ts'
import { testConfig, testConnection } from './test-config.ts'

export interface Feed {
  supplier: Supplier
  config: Config
  connection: Connection
}

/** A supplier, and a database that is to have its products. */
export async function openFeed(
  t: Test,
  options: SupplierOptions,
  variables: Record<string, string> = {}
): Promise<Feed> {
  const supplier = await startSupplier(options)
  t.teardown(() => supplier.close())
  const config = await testConfig(t, {
    ...supplierVariables(supplier),
    EXTERNAL_API_RETRY_DELAY: '1',
    CIRCUIT_BREAKER_RESET_TIMEOUT: '20',
    ...variables
  })
  return { supplier, config, connection: await testConnection(t, config) }
}

export interface Synced {
  summary: SyncSummary
  refusals: ItemRefusal[]
  /** The failures of the supplier that were retried. */
  retried: Error[]
}

/** Syncs in this process. */
export async function sync(config: Config, options: Partial<SyncOptions> = {}): Promise<Synced> {
  const baseUrl = config.supplier.baseUrl ?? ''
  const { client, close } = await openSupplierForCommand(baseUrl, config)
  const refusals: ItemRefusal[] = []
  const retried: Error[] = []
  try {
    const summary = await syncProducts(config.mysql, {
      client,
      source: baseUrl,
      sources: { nowMs: Date.now, randomBytes },
      signal: new AbortController().signal,
      onRefusal: (refusal) => refusals.push(refusal),
      onRetry: (error) => retried.push(error),
      ...options
    })
    return { summary, refusals, retried }
  } finally {
    await close()
  }
}

/** Has a server answer a feed of these pages, once. */
export function scriptPages(upstream: ScriptedUpstream, pages: readonly (readonly unknown[])[]): void {
  const last = pages.length - 1
  const answers = pages.map((data, place) =>
    body(JSON.stringify({ data, nextCursor: place === last ? null : `after-${place}` }))
  )
  upstream.script(...answers)
}

/** The fields of all products, by sku. */
export async function products(connection: Connection): Promise<object[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT sku, name, description, price, category, stock FROM products ORDER BY sku'
  )
  return rows.map((row) => ({ ...row }))
}

/** The same of all products of a supplier that are not deleted. */
export function productsOf({ catalogue }: Supplier): object[] {
  const present = catalogue.page(null, null, 1_000_000).data.filter(({ deleted }) => !deleted)
  return present
    .map(({ updatedAt: _updatedAt, deleted: _deleted, ...fields }) => fields)
    .sort((a, b) => (a.sku < b.sku ? -1 : 1))
}

/** All changes that were ever logged. */
export async function loggedChanges(connection: Connection): Promise<Change[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT entries FROM product_changes')
  return rows.flatMap(({ entries }) => decodeChanges(entries))
}

/** How far the feed has been read. */
export async function position(connection: Connection): Promise<Record<string, unknown> | undefined> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT * FROM feed_positions')
  return row && { ...row }
}
