import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { createRowGenerator } from '../scripts/seed/generate-row.ts'
import { insertRows } from '../scripts/seed/insert-rows.ts'
import { loadLines, loadRows, toLine } from '../scripts/seed/load-rows.ts'
import { seedCatalogue } from '../scripts/seed/seed-catalogue.ts'
import { migrate } from '../src/catalogue/migrate.ts'
import type { Config, MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { median } from './results.ts'

const ROWS = 200_000
const ROUNDS = 5
const SEED = 42
const LINES_PER_WRITE = 10_000

type Variant = (config: MysqlConfig, file: string) => Promise<unknown>

const BASELINE = 'raw LOAD DATA of a file'
const variants: Readonly<Record<string, Variant>> = {
  [BASELINE]: loadFile,
  'npm run seed': (config) => seedCatalogue(config, { rows: ROWS, seed: SEED, writeRows: loadRows }),
  'npm run seed where local_infile is off': (config) =>
    seedCatalogue(config, { rows: ROWS, seed: SEED, writeRows: insertRows })
}

/**
 * Measures how fast seeding fills the table, compared with `LOAD DATA` of the same rows from a file. Each variant has a
 * new database with all columns and indexes; the variants take turns, and each round begins with another one.
 * @returns the text of the section of the results
 */
export async function benchSeed({ mysql: config }: Config): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const admin = await mysql.createConnection({ ...connectionOptions(config), database: '' })
  const [[server]] = await admin.query<RowDataPacket[]>('SELECT @@local_infile AS localInfile')
  try {
    await admin.query('SET GLOBAL local_infile = 1')
    const file = join(folder, 'rows.tsv')
    await writeRows(file)
    const rounds: Record<string, number>[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await runRound(admin, config, file, round))
    return describe(rounds)
  } finally {
    await admin.query('SET GLOBAL local_infile = ?', [server?.localInfile])
    await admin.end()
    await rm(folder, { recursive: true })
  }
}

/** Runs each variant once, and returns rows per second by variant. */
async function runRound(admin: Connection, config: MysqlConfig, file: string, round: number) {
  const names = Object.keys(variants)
  const rates: Record<string, number> = {}
  for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
    const database = `aisle_bench_${process.pid}`
    await admin.query('CREATE DATABASE ?? CHARACTER SET utf8mb4', [database])
    try {
      const target = { ...config, database }
      await migrate(target)
      const startedAt = performance.now()
      await variants[name]?.(target, file)
      rates[name] = ROWS / ((performance.now() - startedAt) / 1000)
      const [[count]] = await admin.query<RowDataPacket[]>('SELECT COUNT(*) AS loaded FROM ??.products', [database])
      if (count?.loaded !== ROWS) throw new Error(`${name} has loaded ${count?.loaded} of ${ROWS} rows`)
    } finally {
      await admin.query('DROP DATABASE ??', [database])
    }
    console.error(`round ${round + 1} of ${ROUNDS}  ${name}: ${formatRate(rates[name])}`)
  }
  return rates
}

async function loadFile(config: MysqlConfig, file: string): Promise<void> {
  const connection = await mysql.createConnection(connectionOptions(config))
  await loadLines(connection, () => createReadStream(file))
  await connection.end()
}

async function writeRows(file: string): Promise<void> {
  const generateRow = createRowGenerator(SEED)
  const handle = await open(file, 'w')
  for (let start = 0; start < ROWS; start += LINES_PER_WRITE) {
    const lines = Array.from({ length: LINES_PER_WRITE }, (_, offset) => toLine(generateRow(start + offset)))
    await handle.write(lines.join(''))
  }
  await handle.close()
}

function describe(rounds: readonly Record<string, number>[]): string {
  const lines = Object.keys(variants).map((name) => {
    const rates = rounds.map((rates) => rates[name] ?? 0)
    const ratios = rounds.map((rates) => (rates[name] ?? 0) / (rates[BASELINE] ?? 0))
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    return `| ${name} | ${formatRate(median(rates))} | ${median(ratios).toFixed(2)} (${range}) |`
  })
  return `${ROWS.toLocaleString('en')} rows a round into a new table with all columns and indexes, FULLTEXT included; ${ROUNDS} interleaved rounds; medians;
ratios are to the raw load of the same round, with their range. Every run loaded every row.

| variant | rows/s | ratio |
|---|---|---|
${lines.join('\n')}`
}

function formatRate(rate: number | undefined): string {
  return `${Math.round(rate ?? 0).toLocaleString('en')}`
}
