import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Connection } from 'mysql2/promise'
import type { Test } from 'tap'
import type { App } from '../../../src/app.ts'
import { type ProductUpsert, upsertProducts } from '../../../src/catalogue/products/upsert-products.ts'
import type { Config } from '../../../src/config/config.ts'
import type { Database, Params } from '../../../src/platform/database/database.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { toEnvironment } from '../../support/service.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { findTooOld, type Observer, observe } from './observe.ts'
import type { Commit, Task } from './product-writer.ts'

export const LIST = '/api/v1/products?limit=10'
/** The products of the list, of which the first one is observed. */
export const SKUS: readonly string[] = Array.from({ length: 10 }, (_, number) => `S${number}`)
const OBSERVED = 'S0'

export interface Instance {
  app: App
  url: string
}

/** Ten products, all of them on one page; one instance; and another process that changes them. */
export async function prepare(t: Test, overrides: Record<string, string> = {}) {
  const config = await testConfig(t, overrides)
  const connection = await testConnection(t, config)
  const [id] = await insertProducts(
    connection,
    SKUS.map((sku) => ({ sku, name: `Product ${sku}` }))
  )
  if (id === undefined) throw new Error('no product')
  const ids = { id: formatId(id), hexId: id.toString('hex'), detail: `/api/v1/products/${formatId(id)}` }
  return { config, connection, first: await listen(t, config), ...ids, write: await startWriter(t, config) }
}

export async function listen(t: Test, config: Config): Promise<Instance> {
  const app = await testApp(t, config)
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

async function startWriter(t: Test, config: Config) {
  const child = fork(join(import.meta.dirname, 'product-writer.ts'), {
    env: { ...process.env, ...toEnvironment(config) },
    // Not those of the tests.
    execArgv: []
  })
  t.teardown(() => child.kill())
  await once(child, 'message')
  return async (products: ProductUpsert[], everyMs = 0): Promise<Commit[]> => {
    const task: Task = { products, everyMs }
    child.send(task)
    const [commits] = await once(child, 'message')
    return commits
  }
}

export function stocked(stock: number, sku = OBSERVED): ProductUpsert & Pick<Commit, 'sku' | 'stock'> {
  return { sku, name: `Product ${sku}`, price: '9.99', stock }
}

/** Writes the observed product in this process. */
export async function writeHere(connection: Connection, stock: number): Promise<void> {
  await upsertProducts(connection, [stocked(stock)], { nowMs: Date.now, randomBytes })
}

/** The statements by which an instance loads a product or a list. */
const loadStatements = { detail: /FROM products WHERE id = \?/, list: /FROM products FORCE INDEX/ } as const

export type LoadKind = keyof typeof loadStatements

/**
 * Wraps the statements by which an instance loads products or lists from now on.
 * @returns ends that
 */
export function wrapLoads(
  { app }: Instance,
  kind: LoadKind,
  wrap: <Rows>(load: () => Promise<Rows>, sql: string) => Promise<Rows>
): () => void {
  const database: Database = app.database
  const { execute } = database
  database.execute = <Row>(sql: string, params: Params) => {
    const load = () => execute<Row>(sql, params)
    return loadStatements[kind].test(sql) ? wrap(load, sql) : load()
  }
  return () => {
    database.execute = execute
  }
}

/** Holds what an instance loads from now on, after it was read, until it is released. */
export function holdLoads(instance: Instance, kind: LoadKind) {
  const { promise: gate, resolve: release } = Promise.withResolvers<void>()
  const { promise: loaded, resolve: noteLoaded } = Promise.withResolvers<void>()
  const letOthersPass = wrapLoads(instance, kind, async (load) => {
    const rows = await load()
    noteLoaded()
    await gate
    return rows
  })
  return { loaded, release, letOthersPass }
}

/** Asks an instance for the list and for the observed product all the time, until the test ends. */
export function observeAll(t: Test, instances: readonly Instance[], paths: readonly string[], id: string): Observer[] {
  const observers = instances.flatMap(({ url }) => paths.map((path) => observe(url + path, id)))
  t.teardown(() => Promise.all(observers.map((observer) => observer.stop())))
  return observers
}

export function untilSeen(observers: readonly Observer[], stock: number): Promise<boolean> {
  return waitFor(`all see ${stock}`, () => observers.every(({ seen }) => seen.at(-1)?.stock === stock))
}

/** Until there are answers that began well over a second after a moment. */
export function untilOver(observers: readonly Observer[], sinceMs = 0): Promise<boolean> {
  return waitFor('a second is over', () =>
    observers.every(({ seen }) => (seen.at(-1)?.beganAtMs ?? 0) > sinceMs + 1200)
  )
}

/** No answer shows a state that was replaced more than a second before it was asked for. */
export async function checkFresh(t: Test, observers: readonly Observer[], commits: readonly Commit[]): Promise<void> {
  await untilOver(observers, commits.at(-1)?.atMs)
  for (const { url, seen } of observers) {
    t.ok(seen.length > 50, `${seen.length} answers of ${url}`)
    t.same(findTooOld(seen, commits).slice(0, 3), [], 'none of them was too old')
  }
}
