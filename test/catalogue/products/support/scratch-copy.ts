import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

const ROOT = join(import.meta.dirname, '../../../..')
const COPIED = [
  'bench',
  'migrations',
  'plugins',
  'routes',
  'schemas',
  'scripts',
  'src',
  'test',
  'tools',
  'package.json'
]

/** Copies the repository to a folder of its own, which is removed with the test, and returns the folder. */
export async function scratchCopy(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aisle-scratch-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const config = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8'))
  const include = COPIED.filter((name) => name !== 'test' && !name.includes('.'))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, include }))
  return folder
}

/** Inserts lines into a file, before a line that it has once. */
export async function insertLines(file: string, before: string, lines: string): Promise<void> {
  const [start, end, ...others] = (await readFile(file, 'utf8')).split(before)
  assert.ok(start !== undefined && end !== undefined && others.length === 0, `${file} has "${before}" once`)
  await writeFile(file, `${start}${lines}\n${before}${end}`)
}

/** Adds a migration after the last one. */
export async function addMigration(folder: string, name: string, sql: string): Promise<void> {
  const { length } = await readdir(join(folder, 'migrations'))
  await writeFile(join(folder, 'migrations', `${String(length + 1).padStart(3, '0')}.do.${name}.sql`), sql)
}
