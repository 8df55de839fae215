/**
 * A SELECT that the server itself gives up after a time of its own, instead of that of its connection. The two engines
 * have different words for that; each reads its own and takes the other one's for a comment.
 * @param selected all that follows `SELECT`
 */
export function limitedSelect(selected: string, timeoutMs: number): string {
  return `/*M!100100 SET STATEMENT max_statement_time = ${timeoutMs / 1000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${timeoutMs}) */ ${selected}`
}
