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

/** Puts a section into `results.md`, in place of the one with the same title. */
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

/** A database server, as the results name it. */
export interface Server {
  engine: 'MySQL' | 'MariaDB'
  description: string
}

export async function inspectServer(config: MysqlConfig): Promise<Server> {
  const connection = await mysql.createConnection({ ...connectionOptions(config), database: '' })
  const [[server]] = await connection.query<RowDataPacket[]>(
    'SELECT @@version AS version, @@innodb_buffer_pool_size / 1048576 AS poolMiB'
  )
  await connection.end()
  const engine = /mariadb/i.test(server?.version) ? 'MariaDB' : 'MySQL'
  const number = /^[0-9.]+/.exec(server?.version)?.[0]
  return { engine, description: `${engine} ${number}, buffer pool ${Math.round(server?.poolMiB)} MiB` }
}

/** The machine and the runtime, in one line. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory} GiB of memory, Node ${process.versions.node}`
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** The value that such a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
