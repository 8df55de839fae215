import type { ConnectionOptions } from 'mysql2'
import type { MysqlConfig } from '../../config/config.ts'

/** How every connection of ours talks: UTC, text as it is, decimals and dates as text. */
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
 * Prepares a new connection of the service. The server itself ends a statement that runs past the limit; the two
 * engines have different names for that, and each reads its own comment only.
 */
export function sessionStatement(queryTimeoutMs: number): string {
  return (
    `SET SESSION time_zone = '+00:00'` +
    ` /*!50704 , max_execution_time = ${queryTimeoutMs} */ /*M!100100 , max_statement_time = ${queryTimeoutMs / 1000} */`
  )
}
