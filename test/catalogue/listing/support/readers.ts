import type { Connection, RowDataPacket } from 'mysql2/promise'
import { createListReader, type ListReader } from '../../../../src/catalogue/listing/read/read-list.ts'
import type { Params } from '../../../../src/platform/database/database.ts'
import { statementError } from '../../../../src/platform/database/database-error.ts'

export interface CountingReader extends ListReader {
  /** The statements that were sent. */
  readonly sent: string[]
  /** The rows and index entries that the server has read for them. */
  rowsRead: number
}

/** Creates a reader on one connection. Its budgets are by default those of the service. */
export function createTestReader(connection: Connection, options: Partial<ListReader> = {}): ListReader {
  async function execute<Row>(sql: string, params: Params): Promise<Row[]> {
    try {
      const [rows] = await connection.execute(sql, [...params])
      return rows as Row[]
    } catch (error) {
      throw statementError(error)
    }
  }
  const budgets = { nowMs: () => performance.now(), queryTimeoutMs: 5000 }
  return { ...createListReader({ execute }, budgets), ...options }
}

interface CountingOptions extends Partial<ListReader> {
  /** Changes a statement before it is sent, to make the server slow. */
  rewrite?: (sql: string) => string
}

/** Creates a reader as `createTestReader` does, whose work the server counts; drawing the sample is not counted. */
export function createCountingReader(connection: Connection, options: CountingOptions = {}): CountingReader {
  const { rewrite = (sql) => sql, ...readerOptions } = options
  const { database, ...rest } = createTestReader(connection, readerOptions)

  async function execute<Row>(sql: string, params: Params): Promise<Row[]> {
    await connection.query('FLUSH STATUS')
    reader.sent.push(sql)
    const rows = await database.execute<Row>(rewrite(sql), params)
    const [counters] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
    reader.rowsRead += counters.reduce((sum, { Value }) => sum + Number(Value), 0)
    return rows
  }

  const reader: CountingReader = { ...rest, database: { execute }, sent: [], rowsRead: 0 }
  return reader
}
