import type { ResultSetHeader } from 'mysql2/promise'
import { writtenColumns, writtenValues } from '../../src/catalogue/products/product-row.ts'
import type { CatalogueRow } from './generate-row.ts'
import type { WriteRows } from './load-rows.ts'

/** Half a megabyte, which every server accepts. */
const ROWS_PER_STATEMENT = 1000

const STATEMENT = `INSERT IGNORE INTO products (${writtenColumns.join(', ')}) VALUES ?`

/** Writes rows by INSERT statements of many rows, which every server allows. */
export const insertRows: WriteRows = async (connection, rows) => {
  let added = 0
  let batch: CatalogueRow[] = []
  const insert = async () => {
    const [{ affectedRows }] = await connection.query<ResultSetHeader>(STATEMENT, [batch.map(toValues)])
    added += affectedRows
    batch = []
  }
  for (const row of rows) {
    batch.push(row)
    if (batch.length === ROWS_PER_STATEMENT) await insert()
  }
  if (batch.length > 0) await insert()
  return added
}

function toValues(row: CatalogueRow) {
  return writtenValues(row, row.searchWords, row.signature)
}
