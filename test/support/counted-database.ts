import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { type PrivateEngine, privateMysql } from './private-engines.ts'
import { testConfig, testConnection } from './test-config.ts'

export interface CountedDatabase {
  config: Config
  server: PrivateEngine
  connection: Connection
  /** How many statements the work makes the server run, of those that hold this text: unless said, those that read products. */
  countReads(work: () => Promise<unknown>, text?: string): Promise<number>
}

const COUNT = `SELECT COUNT(*) AS count FROM mysql.general_log
  WHERE command_type = 'Execute' AND argument LIKE ?`

/** A server of the test's own that keeps a log of the statements that it runs. */
export async function countedDatabase(t: Test, overrides: Record<string, string> = {}): Promise<CountedDatabase> {
  const server = await privateMysql(t)
  const own = { DB_SOCKET: server.socketPath, DB_USER: 'root', DB_PASSWORD: '' }
  const config = await testConfig(t, { ...own, ...overrides })
  const connection = await testConnection(t, config)
  const log = await mysql.createConnection({ socketPath: server.socketPath, user: 'root' })
  t.teardown(() => log.end())
  await log.query("SET GLOBAL log_output = 'TABLE'")
  await log.query('SET GLOBAL general_log = ON')
  const count = async (text: string) => Number((await log.query<RowDataPacket[]>(COUNT, [`%${text}%`]))[0][0]?.count)
  return {
    config,
    server,
    connection,
    async countReads(work, text = 'FROM products') {
      const before = await count(text)
      await work()
      return (await count(text)) - before
    }
  }
}
