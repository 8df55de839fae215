import type { Connection } from 'mysql2/promise'
import { type ListQuery, parseListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import type { Statement } from '../../src/catalogue/listing/read/statements.ts'
import { productColumns } from '../../src/catalogue/products/product-row.ts'
import { statementError } from '../../src/platform/database/database-error.ts'
import { AppError } from '../../src/platform/errors/app-error.ts'
import { median } from '../results.ts'
import { type Landmarks, PAGE_ROWS } from './landmarks.ts'
import { TRIAL_NUMBERS } from './question-numbers.ts'
import type { Scenario } from './scenario.ts'
import { type Condition, filters, fromClause, match, orderOf, page } from './sql/clauses.ts'

/** A time in ms: infinity after a timeout, the message of a failure, undefined if the scenario has no such statement. */
export type NaiveTime = number | string | undefined

/** The times of the naive statements of a scenario. */
export interface NaiveTimes {
  /** The time of FULLTEXT for a search, of OFFSET for a deep page. */
  usual: NaiveTime
  like: NaiveTime
}

/** The time limit of a naive statement. */
export const NAIVE_LIMIT_MS = 10_000
const SAMPLES = 3
/** A statement that takes longer is not repeated. */
const REPEAT_BELOW_MS = 5000

/** Measures the naive statements of a scenario, without HTTP. */
export async function measureNaive(
  connection: Connection,
  scenario: Scenario,
  landmarks: Landmarks
): Promise<NaiveTimes> {
  const times = (samples: number, statementOf: (number: number) => Statement) =>
    medianTime(connection, TRIAL_NUMBERS.slice(0, samples).map(statementOf))
  const queryOf = (number: number) => parseListQuery(scenario.question(number))
  const { search, cursor, total } = scenario.question(0)
  if (scenario.resource === 'facets' || total !== undefined) return { usual: undefined, like: undefined }
  if (search !== undefined) {
    const likeOf = (number: number) => naiveLike(queryOf(number), scenario.question(number).search ?? '')
    return { usual: await times(SAMPLES, (number) => naiveFullText(queryOf(number))), like: await times(1, likeOf) }
  }
  const offset = (landmarks.deepPage - 1) * PAGE_ROWS
  const offsetOf = (number: number) => {
    const query = queryOf(number)
    return naiveOffset(query, query.from?.backward ? offset - query.limit : offset)
  }
  return { usual: cursor === undefined ? undefined : await times(SAMPLES, offsetOf), like: undefined }
}

async function medianTime(connection: Connection, statements: readonly Statement[]): Promise<NaiveTime> {
  const times: number[] = []
  for (const { sql, params } of statements) {
    const startedAt = performance.now()
    try {
      await connection.execute(sql, params)
    } catch (error) {
      const cause = statementError(error)
      if (cause instanceof AppError && cause.code === 'database-timeout') return Number.POSITIVE_INFINITY
      // InnoDB refuses FULLTEXT results that are too large: that is a result, too.
      return error instanceof Error ? error.message : String(error)
    }
    times.push(performance.now() - startedAt)
    if (performance.now() - startedAt > REPEAT_BELOW_MS) break
  }
  return median(times)
}

/** Writes a search with the FULLTEXT index alone. */
function naiveFullText(query: ListQuery): Statement {
  return page(query, null, [...filters(query), ...match(query)])
}

/**
 * Writes a search with LIKE.
 * @param search the words of the request
 */
function naiveLike(query: ListQuery, search: string): Statement {
  const words = search.split(' ').map((word): Condition => {
    const pattern = `%${word}%`
    return ['(name LIKE ? OR description LIKE ?)', pattern, pattern]
  })
  return page(query, null, [...filters(query), ...words])
}

/** Writes a deep page with OFFSET. */
function naiveOffset(query: ListQuery, offset: number): Statement {
  const { sql, params } = fromClause(null, filters(query))
  const order = orderOf({ ...query, from: null })
  return {
    sql: `SELECT ${productColumns} ${sql} ${order} LIMIT ? OFFSET ?`,
    params: [...params, String(query.limit + 1), String(offset)]
  }
}
