import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import type { MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'

const RESULTS = join(import.meta.dirname, 'results.md')
const PREAMBLE =
  '# Benchmarks\n\nWritten by `npm run bench`. Ratios are the claim; absolute numbers belong to the machine.\n'

/** Writes a section of `results.md`, and replaces the one with the same title. */
export async function writeSection(title: string, body: string): Promise<void> {
  const text = existsSync(RESULTS) ? await readFile(RESULTS, 'utf8') : PREAMBLE
  const [preamble = '', ...sections] = text.split(/^(?=## )/m)
  const others = sections.filter((section) => !section.startsWith(`## ${title}\n`))
  const all = [...others, `## ${title}\n\n${body}\n`].sort()
  await writeFile(
    RESULTS,
    [preamble, ...all]
      .map((section) => section.trim())
      .join('\n\n')
      .concat('\n')
  )
}

/** The name of a database server in the results. */
export interface BenchedServer {
  engine: 'MySQL' | 'MariaDB'
  description: string
}

/** Reads the product, version and buffer pool of the database server. */
export async function inspectServer(config: MysqlConfig): Promise<BenchedServer> {
  const connection = await mysql.createConnection({ ...connectionOptions(config), database: '' })
  const [[server]] = await connection.query<RowDataPacket[]>(
    'SELECT @@version AS version, @@innodb_buffer_pool_size / 1048576 AS poolMiB'
  )
  await connection.end()
  const engine = /mariadb/i.test(server?.version) ? 'MariaDB' : 'MySQL'
  const number = /^[0-9.]+/.exec(server?.version)?.[0]
  return { engine, description: `${engine} ${number}, buffer pool ${Math.round(server?.poolMiB)} MiB` }
}

/** Describes the machine and the Node version in one line. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory} GiB of memory, Node ${process.versions.node}`
}

/** Computes the median: for an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** Computes a quantile: the smallest value that at least `share` of the values do not exceed. NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Formats a Markdown table. */
export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
