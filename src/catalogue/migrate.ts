import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { MysqlConfig } from '../config/config.ts'
import { applyMigrations, type DataMigration } from '../platform/database/migrate.ts'
import { signatureColumns, signatureOf } from './search/word-signature.ts'

/** Version 7 adds the columns of word signatures, the same for all rows; version 8 relies on their values. */
const signatures: DataMigration = { afterVersion: 7, run: signProducts }
const SIGNED_BATCH_ROWS = 1000

/**
 * Brings the database of the catalogue to the schema of this release. Safe to run from several instances at once, and
 * again after an interruption.
 * @returns the names of the migrations that were applied
 */
export function migrate(config: MysqlConfig): Promise<string[]> {
  return applyMigrations(config, [signatures])
}

/** Writes the word signatures of all products, in the order of their ids. */
async function signProducts(connection: Connection): Promise<void> {
  const assignments = signatureColumns.map((column) => `products.${column} = signed.${column}`).join(', ')
  const signature = `SELECT ? AS id, ${signatureColumns.map((column) => `? AS ${column}`).join(', ')}`
  let after = Buffer.alloc(0)
  for (;;) {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT id, search_words FROM products WHERE id > ? ORDER BY id LIMIT ?',
      [after, SIGNED_BATCH_ROWS]
    )
    const last = rows.at(-1)
    if (last === undefined) return
    await connection.query(
      `UPDATE products JOIN (${rows.map(() => signature).join(' UNION ALL ')}) signed ON products.id = signed.id SET ${assignments}`,
      rows.flatMap(({ id, search_words }) => [id, ...signatureOf(search_words)])
    )
    after = last.id
  }
}
