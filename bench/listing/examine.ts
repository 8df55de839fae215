import type { Connection, RowDataPacket } from 'mysql2/promise'
import { parseListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../src/catalogue/listing/read/list-products.ts'
import { readFacets } from '../../src/catalogue/listing/read/read-facets.ts'
import { createListReader, type ListReader } from '../../src/catalogue/listing/read/read-list.ts'
import type { Database, Params } from '../../src/platform/database/database.ts'
import { statementError } from '../../src/platform/database/database-error.ts'
import { count, type Tally } from '../load/tally.ts'
import { median } from '../results.ts'
import { describePlan } from './describe-plan.ts'
import { measuredNumbers } from './question-numbers.ts'
import type { Scenario } from './scenario.ts'

/** How the questions of a scenario were answered. */
export interface Examination {
  /** The median, of all statements of an answer together. */
  rows: number
  /** Each with how many of the questions it answered. */
  plans: Tally
}

/** Runs statements one at a time, and keeps account of them. */
interface Account extends Pick<Database, 'execute'> {
  statements: string[]
  rows: number
}

/** More than any statement of a list is given. */
const QUERY_TIMEOUT_MS = 5000

/**
 * Rows and index entries that the engine was asked for, and on MariaDB those that it has passed over inside an index.
 * What FULLTEXT reads of its own index is in no counter.
 */
const READ = `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'
  OR Variable_name IN ('Handler_icp_attempts', 'Handler_icp_match')`

/** Makes what reads as Aisle reads, without the service around it. The sample of the catalogue is not counted. */
export async function createExaminer(connection: Connection) {
  const unobserved = { execute: <Row>(sql: string, params: Params) => execute<Row>(connection, sql, params) }
  const reader = createListReader(unobserved, { nowMs: () => performance.now(), queryTimeoutMs: QUERY_TIMEOUT_MS })
  return async (scenario: Scenario, samples: number): Promise<Examination> => {
    const rows: number[] = []
    const plans: Tally = new Map()
    for (const number of measuredNumbers(samples)) {
      const account = openAccount(connection)
      await answer(scenario, number, { ...reader, database: account })
      rows.push(account.rows)
      count(plans, describePlan(account.statements, parseListQuery(scenario.question(number))))
    }
    return { rows: median(rows), plans }
  }
}

async function answer(scenario: Scenario, number: number, reader: ListReader) {
  const query = parseListQuery(scenario.question(number))
  await (scenario.resource === 'list' ? listProducts(reader, query) : readFacets(reader, query))
}

function openAccount(connection: Connection): Account {
  const account: Account = {
    statements: [],
    rows: 0,
    async execute<Row>(sql: string, params: Params) {
      await connection.query('FLUSH STATUS')
      try {
        return await execute<Row>(connection, sql, params)
      } finally {
        const [counters] = await connection.query<RowDataPacket[]>(READ)
        for (const { Variable_name, Value } of counters) {
          account.rows += Variable_name === 'Handler_icp_match' ? -Number(Value) : Number(Value)
        }
        account.statements.push(sql)
      }
    }
  }
  return account
}

async function execute<Row>(connection: Connection, sql: string, params: Params): Promise<Row[]> {
  try {
    const [rows] = await connection.execute(sql, [...params])
    return rows as Row[]
  } catch (error) {
    throw statementError(error)
  }
}
