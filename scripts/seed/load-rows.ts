import { Readable } from 'node:stream'
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { writtenColumns, writtenValues } from '../../src/catalogue/products/product-row.ts'
import type { CatalogueRow } from './generate-row.ts'

/** Writes rows to `products`, but for those whose id or sku is there already, and answers how many it added. */
export type WriteRows = (connection: Connection, rows: Iterable<CatalogueRow>) => Promise<number>

/** Enough to fill the buffer of a socket, and little to hold in memory. */
const PACKET_CHARACTERS = 2 ** 16

const [idColumn, ...otherColumns] = writtenColumns
/** Loads lines of `toLine`. */
const STATEMENT = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE products CHARACTER SET utf8mb4
  (@${idColumn}, ${otherColumns.join(', ')}) SET ${idColumn} = UNHEX(@${idColumn})`

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

/** Writes a row as a line of tab-separated values. No text of a generated catalogue has a character to be escaped. */
export function toLine(row: CatalogueRow): string {
  const values = writtenValues(row, row.searchWords, row.signature)
  let line = row.id.toString('hex')
  for (let place = 1; place < values.length; place++) line += `\t${values[place] ?? '\\N'}`
  return `${line}\n`
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
