import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { appendChanges } from '../../src/catalogue/change-log/product-changes.ts'
import type { MysqlConfig } from '../../src/config/config.ts'
import { connectionOptions } from '../../src/platform/database/connection-options.ts'
import { inTransaction, retryContention } from '../../src/platform/database/transaction.ts'
import { toDatetime } from '../../src/platform/lib/timestamps.ts'
import { type CatalogueRow, createRowGenerator } from './generate-row.ts'
import { insertRows } from './insert-rows.ts'
import { canLoadRows, loadRows, type WriteRows } from './load-rows.ts'

/** The rows of one transaction, which takes a fraction of a second. */
const CHUNK_ROWS = 5000
/** A server works on a connection with one core; more than two connections gain little. */
const CONNECTIONS = 2

/** Options of a generated catalogue. */
export interface SeedOptions {
  /** The size of the catalogue, up to `MAX_ROWS`. */
  rows: number
  /** An unsigned 32-bit integer: another seed for another catalogue. */
  seed: number
  /** A callback with the number of rows that are in place. */
  onProgress?: (rowsDone: number) => void
  /** A signal that stops the work between two chunks of rows. */
  signal?: AbortSignal
  /** The way to write rows; by default the fastest one that the server allows. */
  writeRows?: WriteRows
}

/**
 * Writes the missing rows of a generated catalogue to `products`. Rows of an earlier run stay, so that it can run again
 * after an interruption, or for more rows.
 * @returns the number of added rows
 */
export async function seedCatalogue(config: MysqlConfig, options: SeedOptions): Promise<number> {
  const { rows, seed, onProgress, signal } = options
  const generateRow = createRowGenerator(seed)
  const chunks = createChunks(rows)
  let added = 0
  let done = 0

  /** Writes the missing rows of a chunk, and their entries in the change log. */
  async function writeChunk(connection: Connection, writeRows: WriteRows, start: number, end: number) {
    const bounds = [generateRow(start), generateRow(end - 1)] as const
    const existing = await idsBetween(connection, ...bounds)
    const missing: Pick<CatalogueRow, 'id' | 'sku'>[] = []

    function* missingRows(): Generator<CatalogueRow> {
      for (let index = start; index < end; index++) {
        const row = generateRow(index)
        if (existing.size > 0 && existing.has(toKey(row.id))) continue
        missing.push({ id: row.id, sku: row.sku })
        yield row
      }
    }

    const written = await writeRows(connection, missingRows())
    // A row is skipped if another product has its sku.
    const present = written === missing.length ? null : await idsBetween(connection, ...bounds)
    const logged = present === null ? missing : missing.filter(({ id }) => present.has(toKey(id)))
    const changes = logged.map(({ id, sku }) => ({ type: 'upsert' as const, id: id.toString('hex'), sku }))
    await appendChanges(connection, changes, toDatetime(Date.now()))
    return written
  }

  /** Writes chunks until none is left. The workers share them: a failure of one ends the sequence for all. */
  async function work(): Promise<void> {
    const connection = await mysql.createConnection(connectionOptions(config))
    try {
      const writeRows = options.writeRows ?? ((await canLoadRows(connection)) ? loadRows : insertRows)
      for (const [start, end] of chunks) {
        signal?.throwIfAborted()
        const written = await retryContention(() =>
          inTransaction(connection, () => writeChunk(connection, writeRows, start, end))
        )
        added += written
        done += end - start
        onProgress?.(done)
      }
      await connection.end()
    } finally {
      connection.destroy()
    }
  }

  const workers = Array.from({ length: CONNECTIONS }, work)
  try {
    await Promise.all(workers)
  } finally {
    await Promise.allSettled(workers)
  }
  return added
}

function* createChunks(rows: number): Generator<[start: number, end: number]> {
  for (let start = 0; start < rows; start += CHUNK_ROWS) yield [start, Math.min(start + CHUNK_ROWS, rows)]
}

/** Reads the existing ids from the time of one row to that of another: ids and rows are both in the order of time. */
async function idsBetween(connection: Connection, first: CatalogueRow, last: CatalogueRow): Promise<Set<string>> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT id FROM products WHERE id BETWEEN ? AND ?', [
    boundary(first, 0x00),
    boundary(last, 0xff)
  ])
  return new Set(rows.map(({ id }) => toKey(id)))
}

/** Returns the lowest or the highest possible id in the millisecond of a row. */
function boundary(row: CatalogueRow, filler: number): Buffer {
  const id = Buffer.alloc(16, filler)
  row.id.copy(id, 0, 0, 6)
  return id
}

function toKey(id: Buffer): string {
  return id.toString('latin1')
}
