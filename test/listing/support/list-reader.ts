import type { Connection, RowDataPacket } from 'mysql2/promise'
import { catalogueSampler } from '../../../src/listing/catalogue-sampler.ts'
import type { ListReader } from '../../../src/listing/list-reader.ts'

export interface CountedReader extends ListReader {
  /** The statements that were sent. */
  readonly sent: string[]
  /** Rows and index entries that the server has read for them. */
  rowsRead: number
}

/** Reads lists on one connection, whose work the server counts. Budgets are those of the service unless said. */
export function countedReader(connection: Connection, options: Partial<ListReader> = {}): CountedReader {
  const execute = async <Row>(sql: string, params: readonly unknown[]) => {
    await connection.query('FLUSH STATUS')
    const [rows] = await connection.execute(sql, [...params] as string[])
    const [counters] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
    reader.sent.push(sql)
    reader.rowsRead += counters.reduce((sum, { Value }) => sum + Number(Value), 0)
    return rows as Row[]
  }
  const database = { execute }
  const unseen = {
    execute: async <Row>(sql: string, params: readonly unknown[]) =>
      (await connection.execute(sql, [...params] as string[]))[0] as Row[]
  }
  const reader: CountedReader = {
    database,
    // The sample is not the work of any page.
    sampler: catalogueSampler(unseen, () => performance.now()),
    fewTimeoutMs: 300,
    pageBudgetUs: 100_000,
    ...options,
    sent: [],
    rowsRead: 0
  }
  return reader
}
