import type { ConnectionOptions } from 'mysql2'
import type { MysqlConfig } from '../../config/config.ts'

/** Makes the driver's options for every connection: UTC, case-sensitive text, decimals and dates as text. */
export function connectionOptions(config: MysqlConfig): ConnectionOptions {
  const { socketPath, host, port, ca } = { socketPath: undefined, host: undefined, port: undefined, ...config }
  return {
    ...(socketPath === undefined ? { host: host ?? '', port: port ?? 3306 } : { socketPath }),
    ...(ca !== undefined && { ssl: { ca } }),
    user: config.user,
    password: config.password,
    database: config.database,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    connectTimeout: config.queryTimeoutMs
  }
}

/**
 * Writes the statement that prepares a new connection of the service: UTC, and a time limit after which the server itself
 * ends a SELECT (MySQL) or any statement (MariaDB). The two engines have different names for the limit; each reads its own
 * comment only.
 */
export function sessionStatement(queryTimeoutMs: number): string {
  return (
    `SET SESSION time_zone = '+00:00'` +
    ` /*!50704 , max_execution_time = ${queryTimeoutMs} */ /*M!100100 , max_statement_time = ${queryTimeoutMs / 1000} */`
  )
}

/**
 * Writes a SELECT with a time limit of its own, instead of that of its connection; the server itself ends it. The two
 * engines have different syntax for the limit; each reads its own and takes the other's for a comment.
 * @param selected all that follows `SELECT`
 */
export function limitedSelect(selected: string, timeoutMs: number): string {
  return `/*M!100100 SET STATEMENT max_statement_time = ${timeoutMs / 1000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${timeoutMs}) */ ${selected}`
}
