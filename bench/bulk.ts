import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import mysql from 'mysql2/promise'
import { createRowGenerator } from '../scripts/seed/generate-row.ts'
import { encodeChanges } from '../src/catalogue/change-log/product-changes.ts'
import { newRow, writtenColumns, writtenValues } from '../src/catalogue/products/product-row.ts'
import { searchColumn } from '../src/catalogue/search/search-words.ts'
import { signatureOf } from '../src/catalogue/search/word-signature.ts'
import type { Config, MysqlConfig } from '../src/config/config.ts'
import { createKey } from '../src/edge/auth/create-and-revoke-keys.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { inTransaction } from '../src/platform/database/transaction.ts'
import { toDatetime } from '../src/platform/lib/timestamps.ts'
import { uuidV7 } from '../src/platform/lib/uuid.ts'
import type { BenchmarkContext } from './context.ts'
import { dropDatabase, prepareDatabase } from './database.ts'
import { markdownTable, median } from './results.ts'
import { startAisle } from './server-under-test.ts'

const FULL = { rows: 100_000, rounds: 5 }
const QUICK = { rows: 20_000, rounds: 1 }
const SEED = 42
/** The batch size of a bulk. */
const BATCH_ROWS = 500
const INSERT = `INSERT INTO products (${writtenColumns.join(', ')}) VALUES ?`
const CHANGED = ['price', 'stock', 'updated_at', 'version'].map((name) => `${name} = VALUES(${name})`).join(', ')

type Task = 'create' | 'update'
type Rates = Record<Task, number>

interface Item {
  sku: string
  name: string
  description: string | null
  price: string
  category: string | null
  stock: number
}

/**
 * Measures how fast a bulk request creates and changes products, compared with its floor: the same rows and change-log
 * entries in prepared batches, sent by the same driver. Each run has a new database.
 * @returns the text of the section of the results
 */
export async function benchBulk({ mysql: config }: Config, context: BenchmarkContext): Promise<string> {
  const { rows, rounds } = context.isQuick ? QUICK : FULL
  const items = generateItems(rows)
  const changed = items.map((item) => ({ ...item, price: `1${item.price}`.slice(-11), stock: item.stock + 1 }))
  const results: { bulk: Rates; floor: Rates; rssMiB: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const runs = [
      async () => ({ floor: await inDatabase(config, (target) => runFloor(target, items, changed)) }),
      async () => await inDatabase(config, (target) => runBulk(target, context, items, changed))
    ]
    const [first, second] = round % 2 === 0 ? runs : runs.toReversed()
    const result = { ...(await first?.()), ...(await second?.()) } as (typeof results)[number]
    results.push(result)
    console.error(`round ${round + 1} of ${rounds}  ${JSON.stringify(result)}`)
  }
  return describe(rows, results)
}

async function inDatabase<T>(config: MysqlConfig, work: (target: MysqlConfig) => Promise<T>): Promise<T> {
  const database = `aisle_bench_${process.pid}`
  try {
    return await work(await prepareDatabase(config, database))
  } finally {
    await dropDatabase(config, database)
  }
}

async function runBulk(
  config: MysqlConfig,
  { env }: BenchmarkContext,
  items: readonly Item[],
  changed: readonly Item[]
): Promise<{ bulk: Rates; rssMiB: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const connection = await mysql.createConnection(connectionOptions(config))
  const newKey = { name: 'bench', scopes: ['products:write' as const], limit: null }
  const { key } = await createKey(connection, newKey, { nowMs: Date.now, randomBytes })
  await connection.end()
  const prefix = `${config.database}:`
  const serverEnv = { ...env, DB_NAME: config.database, REDIS_KEY_PREFIX: prefix }
  const aisle = await startAisle({ env: serverEnv, logFile: join(folder, 'aisle.log') })
  try {
    const send = (body: string, status: string) => sendBulk(aisle.port, key, body, items.length, status)
    const create = await send(toNdjson(items), 'created')
    const update = await send(toNdjson(changed.map(({ sku, price, stock }) => ({ sku, price, stock }))), 'updated')
    const { rssBytes } = await aisle.usage()
    return { bulk: { create, update }, rssMiB: Math.round(rssBytes / 2 ** 20) }
  } finally {
    await aisle.stop()
    await rm(folder, { recursive: true })
  }
}

/**
 * Sends a bulk and checks that every line got the expected status.
 * @returns lines per second
 */
async function sendBulk(port: number, key: string, body: string, lines: number, status: string): Promise<number> {
  const startedAt = performance.now()
  const headers = { 'x-api-key': key, 'content-type': 'application/x-ndjson' }
  const answer = await new Promise<string>((resolve, reject) => {
    const path = '/api/v1/products/bulk'
    request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      text(response).then(resolve, reject)
    })
      .on('error', reject)
      .end(body)
  })
  const seconds = (performance.now() - startedAt) / 1000
  const end = JSON.parse(answer.trimEnd().split('\n').at(-1) ?? '')
  if (!end.isComplete || end.summary[status] !== lines) throw new Error(`incomplete bulk: ${JSON.stringify(end)}`)
  return lines / seconds
}

async function runFloor(config: MysqlConfig, items: readonly Item[], changed: readonly Item[]): Promise<Rates> {
  const ids = items.map(() => uuidV7(Date.now(), randomBytes(10)))
  const connection = await mysql.createConnection(connectionOptions(config))
  const run = async (sql: string, rows: readonly Item[], version: number) => {
    const batches = toBatches(rows, ids, version)
    const startedAt = performance.now()
    for (const { values, entries } of batches) {
      await inTransaction(connection, async () => {
        await connection.query(sql, [values])
        await connection.query('INSERT INTO product_changes (changed_at, entries) VALUES (?, ?)', [now(), entries])
      })
    }
    return rows.length / ((performance.now() - startedAt) / 1000)
  }
  try {
    const create = await run(INSERT, items, 1)
    return { create, update: await run(`${INSERT} ON DUPLICATE KEY UPDATE ${CHANGED}`, changed, 2) }
  } finally {
    await connection.end()
  }
}

/** Prepares rows and change-log entries as a bulk writes them. */
function toBatches(rows: readonly Item[], ids: readonly Buffer[], version: number) {
  const at = now()
  const toListingKey = ({ name, category, price }: Item) => {
    return { name, category, price: Number(price), createdAt: at, updatedAt: at }
  }
  return Array.from({ length: Math.ceil(rows.length / BATCH_ROWS) }, (_, number) => {
    const start = number * BATCH_ROWS
    const batch = rows.slice(start, start + BATCH_ROWS)
    const values = batch.map((item, offset) => {
      const words = searchColumn(item.name, item.description)
      const id = ids[start + offset] ?? Buffer.alloc(0)
      return writtenValues(newRow(id, item, at, version), words, signatureOf(words))
    })
    const changes = batch.map((row, offset) => {
      const id = ids[start + offset]?.toString('hex') ?? ''
      const before = version === 1 ? null : toListingKey(row)
      return { type: 'upsert' as const, id, sku: row.sku, listingKeys: [before, toListingKey(row)] as const }
    })
    return { values, entries: encodeChanges(changes) }
  })
}

function generateItems(count: number): Item[] {
  const generateRow = createRowGenerator(SEED)
  return Array.from({ length: count }, (_, index) => {
    const { name, description, price, category, stock } = generateRow(index)
    return { sku: `BENCH-${index}`, name, description, price, category, stock }
  })
}

function toNdjson(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

function now(): string {
  return toDatetime(Date.now())
}

function describe(rows: number, results: readonly { bulk: Rates; floor: Rates; rssMiB: number }[]): string {
  const lines = (['create', 'update'] as const).map((task) => {
    const ratios = results.map(({ bulk, floor }) => bulk[task] / floor[task])
    return [
      task === 'create' ? 'new products' : 'changed price and stock',
      formatRate(median(results.map(({ bulk }) => bulk[task]))),
      formatRate(median(results.map(({ floor }) => floor[task]))),
      `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
    ]
  })
  return `${rows.toLocaleString('en')} lines in one request create products in a new table with all columns and indexes, FULLTEXT included; as
many lines in a second request change them. The floor is the same rows and change-log entries in the same batches, prepared in
advance and sent by the same driver. ${results.length} rounds; medians; ratios are within a round, with their range. MySQL, Aisle and
the client share the cores.

${markdownTable(['lines', 'bulk, lines/s', 'floor, rows/s', 'ratio'], lines)}

Goal: 5,000 lines/s. RSS of Aisle at the end: ${Math.max(...results.map(({ rssMiB }) => rssMiB))} MiB.`
}

function formatRate(rate: number): string {
  return Math.round(rate).toLocaleString('en')
}
