import { Readable } from 'node:stream'
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { writtenColumns } from '../../src/catalogue/products/product-row.ts'
import type { CatalogueRow } from './generate-row.ts'

/** Writes rows to `products`, but for those whose id or sku is there already, and answers how many it added. */
export type WriteRows = (connection: Connection, rows: Iterable<CatalogueRow>) => Promise<number>

/** Of a product that was never changed. */
export const FIRST_VERSION = 1

/** Enough to fill the buffer of a socket, and little to hold in memory. */
const PACKET_CHARACTERS = 2 ** 16

/** The fields are those of `toLine`. */
const STATEMENT = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE products CHARACTER SET utf8mb4
  (${writtenColumns.replace('id', '@id')}) SET id = UNHEX(@id)`

/** The fastest way into a table. Many servers do not allow it. */
export const loadRows: WriteRows = (connection, rows) => loadLines(connection, () => Readable.from(packets(rows)))

/** Loads the lines that a stream gives. */
export async function loadLines(connection: Connection, openStream: () => Readable): Promise<number> {
  const statement = { sql: STATEMENT, infileStreamFactory: openStream }
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(statement)
  return affectedRows
}

/**
 * Whether rows can be loaded here: servers, and proxies before them, have many ways to refuse. Whatever else is wrong
 * will be said to the statement that is sent instead.
 */
export function canLoadRows(connection: Connection): Promise<boolean> {
  return loadRows(connection, []).then(
    () => true,
    () => false
  )
}

/** A row as a line of tab-separated fields. No text of a catalogue has a character that needs an escape. */
export function toLine(row: CatalogueRow): string {
  return `${row.id.toString('hex')}\t${row.sku ?? '\\N'}\t${row.name}\t${row.description ?? '\\N'}\t${row.price}\t${row.category ?? '\\N'}\t${row.stock}\t${row.createdAt}\t${row.updatedAt}\t${FIRST_VERSION}\t${row.searchWords}\t${row.signature.join('\t')}\n`
}

function* packets(rows: Iterable<CatalogueRow>): Generator<Buffer> {
  let lines = ''
  for (const row of rows) {
    lines += toLine(row)
    if (lines.length < PACKET_CHARACTERS) continue
    yield Buffer.from(lines)
    lines = ''
  }
  // To the server an empty packet is the end.
  if (lines !== '') yield Buffer.from(lines)
}
