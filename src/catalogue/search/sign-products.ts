import type { Connection, RowDataPacket } from 'mysql2/promise'
import { signatureColumns, signatureOf } from './word-signature.ts'

const BATCH_ROWS = 1000

const NEXT = 'SELECT id, search_words FROM products WHERE id > ? ORDER BY id LIMIT ?'
const assignments = signatureColumns.map((column) => `products.${column} = signed.${column}`).join(', ')
const values = `SELECT ? AS id, ${signatureColumns.map((column) => `? AS ${column}`).join(', ')}`

/** Gives all products the signatures of their words, in the order of their ids. It can be run again at any time. */
export async function signProducts(connection: Connection): Promise<void> {
  let after = Buffer.alloc(0)
  for (;;) {
    const [rows] = await connection.query<RowDataPacket[]>(NEXT, [after, BATCH_ROWS])
    const last = rows.at(-1)
    if (last === undefined) return
    await connection.query(
      `UPDATE products JOIN (${rows.map(() => values).join(' UNION ALL ')}) signed ON products.id = signed.id SET ${assignments}`,
      rows.flatMap(({ id, search_words }) => [id, ...signatureOf(search_words)])
    )
    after = last.id
  }
}
