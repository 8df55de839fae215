import { Readable } from 'node:stream'
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { writtenColumns, writtenValues } from '../../src/catalogue/products/product-row.ts'
import type { CatalogueRow } from './generate-row.ts'

/** A way to write rows to `products`. It skips rows whose id or sku exists, and resolves with the number of added rows. */
export type WriteRows = (connection: Connection, rows: Iterable<CatalogueRow>) => Promise<number>

/** Enough to fill the buffer of a socket, and small in memory. */
const PACKET_CHARACTERS = 2 ** 16

const [idColumn, ...otherColumns] = writtenColumns
/** Reads the lines that `toLine` writes. */
const STATEMENT = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE products CHARACTER SET utf8mb4
  (@${idColumn}, ${otherColumns.join(', ')}) SET ${idColumn} = UNHEX(@${idColumn})`

/** Writes rows by `LOAD DATA LOCAL INFILE`, the fastest way. Many servers do not allow it. */
export const loadRows: WriteRows = (connection, rows) => loadLines(connection, () => Readable.from(packets(rows)))

/** Loads the lines of a stream, and resolves with the number of added rows. */
export async function loadLines(connection: Connection, openStream: () => Readable): Promise<number> {
  const statement = { sql: STATEMENT, infileStreamFactory: openStream }
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(statement)
  return affectedRows
}

/**
 * Checks whether the server, and proxies before it, allow loading, by loading no rows. Every error counts as a refusal: if
 * it has another cause, the statement that is used instead reports it.
 */
export function canLoadRows(connection: Connection): Promise<boolean> {
  return loadRows(connection, []).then(
    () => true,
    () => false
  )
}

/** Formats a row as tab-separated values. Generated texts have no characters to escape. */
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
  // An empty packet would end the data.
  if (lines !== '') yield Buffer.from(lines)
}
