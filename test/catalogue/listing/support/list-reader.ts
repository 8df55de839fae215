import type { Connection, RowDataPacket } from 'mysql2/promise'
import { createListReader, type ListReader } from '../../../../src/catalogue/listing/read/read-list.ts'
import type { Params } from '../../../../src/platform/database/database.ts'
import { statementError } from '../../../../src/platform/database/database-error.ts'

export interface CountedReader extends ListReader {
  /** The statements that were sent. */
  readonly sent: string[]
  /** Rows and index entries that the server has read for them. */
  rowsRead: number
}

/** Reads lists on one connection, whose work the server counts. Budgets are those of the service unless said. */
export function countedReader(connection: Connection, options: Partial<ListReader> = {}): CountedReader {
  async function run<Row>(sql: string, params: Params): Promise<Row[]> {
    try {
      const [rows] = await connection.execute(sql, [...params])
      return rows as Row[]
    } catch (error) {
      throw statementError(error)
    }
  }

  async function execute<Row>(sql: string, params: Params): Promise<Row[]> {
    await connection.query('FLUSH STATUS')
    reader.sent.push(sql)
    const rows = await run<Row>(sql, params)
    const [counters] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
    reader.rowsRead += counters.reduce((sum, { Value }) => sum + Number(Value), 0)
    return rows
  }

  const reader: CountedReader = {
    // The sample is not the work of any page.
    ...createListReader({ execute: run }, { nowMs: () => performance.now(), queryTimeoutMs: 5000 }),
    database: { execute },
    ...options,
    sent: [],
    rowsRead: 0
  }
  return reader
}
