import { join } from 'node:path'
import type { RowDataPacket } from 'mysql2'
import Postgrator from 'postgrator'
import t, { type Test } from 'tap'
import { migrate } from '../../src/catalogue/migrate.ts'
import { searchColumn } from '../../src/catalogue/search/search-words.ts'
import { signatureColumns, signatureOf } from '../../src/catalogue/search/word-signature.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

const UNSIGNED_VERSION = 7
const ROWS = 2500

const config = await testConfig(t)
const connection = await testConnection(t, config)

/** Resets the database to an older version of the schema, with products that have no signatures. */
async function goBack(version: number): Promise<void> {
  await connection.query(`DROP DATABASE \`${config.mysql.database}\``)
  await connection.query(`CREATE DATABASE \`${config.mysql.database}\` CHARACTER SET utf8mb4`)
  await connection.query(`USE \`${config.mysql.database}\``)
  const older = new Postgrator({
    driver: 'mysql',
    database: config.mysql.database,
    schemaTable: 'schema_migrations',
    migrationPattern: join(import.meta.dirname, '../../migrations/*.sql'),
    execQuery: async (sql) => {
      for (const statement of sql.split(/;\s*$/m).filter((text) => text.trim() !== '')) {
        const [rows] = await connection.query(statement)
        if (Array.isArray(rows)) return { rows }
      }
      return { rows: [] }
    }
  })
  await older.migrate(String(version))
  const rows = Array.from({ length: ROWS }, (_, index) => [
    Buffer.from(index.toString(16).padStart(32, '0'), 'hex'),
    ...[`Tea number ${index}`, '1.00', '2026-01-01', '2026-01-01', searchColumn(`Tea number ${index}`, null)]
  ])
  await connection.query('INSERT INTO products (id, name, price, created_at, updated_at, search_words) VALUES ?', [
    rows
  ])
}

async function checkSignatures(t: Test): Promise<void> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM products')
  t.equal(rows.length, ROWS)
  const wrong = rows.filter(
    (row) => signatureColumns.map((column) => row[column]).join() !== signatureOf(row.search_words).join()
  )
  t.same(wrong, [], 'every row has the signature of its words')
}

t.test('a migration writes the signatures of products that were there before', async (t) => {
  await goBack(UNSIGNED_VERSION - 1)
  await migrate(config.mysql)
  await checkSignatures(t)
})

t.test('a migration that was interrupted is resumed', async (t) => {
  await goBack(UNSIGNED_VERSION)
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT * FROM products LIMIT 1')
  t.equal(row?.signature_0, 4294967295, 'until then every search may match it')
  t.same(await migrate(config.mysql), ['008.do.covering-sort-indexes.sql'])
  await checkSignatures(t)
})

t.test('a migration that was interrupted before it was recorded can run again', async (t) => {
  for (const version of [UNSIGNED_VERSION, UNSIGNED_VERSION + 1]) {
    await connection.query('DELETE FROM schema_migrations WHERE version >= ?', [version])
    t.match((await migrate(config.mysql)).at(-1), '008.do.covering-sort-indexes.sql')
    await checkSignatures(t)
  }
})

t.test('afterwards a row without a signature is refused', async (t) => {
  const values = "(UNHEX(REPEAT('f', 32)), 'x', 1, '2026-01-01', '2026-01-01', '')"
  const insert = `INSERT INTO products (id, name, price, created_at, updated_at, search_words) VALUES ${values}`
  await t.rejects(connection.query(insert), { code: 'ER_NO_DEFAULT_FOR_FIELD' })
})
