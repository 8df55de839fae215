import { readFile } from 'node:fs/promises'
import * as limits from '../../src/config/limits.ts'

const SOURCE = new URL('../../src/config/limits.ts', import.meta.url)
/** A heading, or a constant with its comment. */
const PART = /^\/\/ (?<title>[A-Z].*)$|^\/\*\* (?<comment>(?:[^*]|\*(?!\/))*?) \*\/\nexport const (?<name>[A-Z_]+)/gm

/** A limit, as the documentation shows it. */
interface Limit {
  /** A description in Markdown. */
  description: string
  /** The value with its unit. */
  value: string
}

/** Reads the fixed limits with their doc comments, by topic. */
export async function limitGroups(): Promise<{ title: string; limits: Limit[] }[]> {
  const values = new Map<string, number>(Object.entries(limits))
  const groups: { title: string; limits: Limit[] }[] = []
  for (const { groups: part } of (await readFile(SOURCE, 'utf8')).matchAll(PART)) {
    if (part?.title !== undefined) groups.push({ title: part.title, limits: [] })
    const value = values.get(part?.name ?? '')
    if (value === undefined) continue
    const description = (part?.comment ?? '').replace(/\s*\n \*\s*/g, ' ')
    groups.at(-1)?.limits.push({ description, value: withUnit(part?.name ?? '', value) })
    values.delete(part?.name ?? '')
  }
  if (values.size > 0) throw new Error(`Limits without a doc comment or a topic: ${[...values.keys()].join(', ')}`)
  return groups
}

function withUnit(name: string, value: number): string {
  if (name.endsWith('_MS')) return value < 1000 ? `${value} ms` : duration(value / 1000)
  if (name.endsWith('_SECONDS')) return duration(value)
  if (name.endsWith('_BYTES')) return bytes(value)
  return value.toLocaleString('en-US')
}

function duration(seconds: number): string {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`
  if (seconds >= 120 && seconds % 60 === 0) return `${seconds / 60} min`
  return `${seconds} s`
}

function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  let unit = 0
  let amount = value
  while (amount >= 1024 && amount % 1024 === 0 && unit < units.length - 1) {
    amount /= 1024
    unit++
  }
  return `${amount} ${units[unit]}`
}
