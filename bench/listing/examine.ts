import type { Connection, RowDataPacket } from 'mysql2/promise'
import { type ListQuery, parseListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../src/catalogue/listing/read/list-products.ts'
import { readFacets } from '../../src/catalogue/listing/read/read-facets.ts'
import { createListReader, type ListReader } from '../../src/catalogue/listing/read/read-list.ts'
import type { Database, Params } from '../../src/platform/database/database.ts'
import { statementError } from '../../src/platform/database/database-error.ts'
import { count, type Tally } from '../load/tally.ts'
import { median } from '../results.ts'
import { measuredNumbers } from './question-numbers.ts'
import type { Scenario } from './scenario.ts'

/** The cost and plans of the statements that answer a scenario. */
export interface Examination {
  /** The median number of rows that the statements of one response examined. */
  rows: number
  /** The number of questions by plan. */
  plans: Tally
}

/** A database that runs one statement at a time and records it. */
interface RecordingDatabase extends Pick<Database, 'execute'> {
  statements: string[]
  rows: number
}

/** A statement that computes the weight string of a name, and reads no table. */
const PLACE = 'place'
/** More than the time limit of any statement of a list. */
const QUERY_TIMEOUT_MS = 5000

/**
 * Reads how many rows and index entries the engine read, including those that MariaDB skipped inside an index. No counter
 * has the reads of a FULLTEXT index.
 */
const READ = `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%'
  OR Variable_name IN ('Handler_icp_attempts', 'Handler_icp_match')`

/** Creates a reader that lists as Aisle does, without the service, and counts what it reads, except for the sample. */
export async function createExaminer(connection: Connection) {
  const unobserved = { execute: <Row>(sql: string, params: Params) => execute<Row>(connection, sql, params) }
  const reader = createListReader(unobserved, { nowMs: () => performance.now(), queryTimeoutMs: QUERY_TIMEOUT_MS })
  return async (scenario: Scenario, samples: number): Promise<Examination> => {
    const rows: number[] = []
    const plans: Tally = new Map()
    for (const number of measuredNumbers(samples)) {
      const recorder = createRecorder(connection)
      await answer(scenario, number, { ...reader, database: recorder })
      rows.push(recorder.rows)
      count(plans, describePlan(recorder.statements, parseListQuery(scenario.question(number))))
    }
    return { rows: median(rows), plans }
  }
}

async function answer(scenario: Scenario, number: number, reader: ListReader) {
  const query = parseListQuery(scenario.question(number))
  await (scenario.resource === 'list' ? listProducts(reader, query) : readFacets(reader, query))
}

function createRecorder(connection: Connection): RecordingDatabase {
  const recorder: RecordingDatabase = {
    statements: [],
    rows: 0,
    async execute<Row>(sql: string, params: Params) {
      await connection.query('FLUSH STATUS')
      try {
        return await execute<Row>(connection, sql, params)
      } finally {
        const [counters] = await connection.query<RowDataPacket[]>(READ)
        for (const { Variable_name, Value } of counters) {
          recorder.rows += Variable_name === 'Handler_icp_match' ? -Number(Value) : Number(Value)
        }
        recorder.statements.push(sql)
      }
    }
  }
  return recorder
}

async function execute<Row>(connection: Connection, sql: string, params: Params): Promise<Row[]> {
  try {
    const [rows] = await connection.execute(sql, [...params])
    return rows as Row[]
  } catch (error) {
    throw statementError(error)
  }
}

/** Describes the statements of a response in their order, for example `walk ×3, FULLTEXT`. */
function describePlan(statements: readonly string[], query: ListQuery): string {
  const kinds: Tally = new Map()
  for (const sql of statements) count(kinds, kindOf(sql, query))
  kinds.delete(PLACE)
  // A response without statements came from the sample of the catalogue.
  if (kinds.size === 0) return 'sample'
  return [...kinds].map(([kind, times]) => (times === 1 ? kind : `${kind} ×${times}`)).join(', ')
}

function kindOf(sql: string, { sort }: ListQuery): string {
  if (sql.includes('WEIGHT_STRING(CAST')) return PLACE
  const isCount = sql.includes('COUNT(*)')
  if (sql.includes('MATCH (')) return isCount ? 'FULLTEXT count' : 'FULLTEXT'
  if (isCount) return 'count'
  return sort.key !== 'price' && /FORCE INDEX \(products_(category_)?price\)/.test(sql) ? 'prices' : 'walk'
}
