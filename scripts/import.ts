import { randomBytes } from 'node:crypto'
import { createReadStream, fstatSync, openSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { productFields } from '../schemas/product-fields.ts'
import { parseColumnMap } from '../src/catalogue/import/column-map.ts'
import { type Format, type ImportSummary, importProducts } from '../src/catalogue/import/import-products.ts'
import { ImportUsageError } from '../src/catalogue/import/import-record.ts'
import type { RecordRefusal } from '../src/catalogue/import/read-product.ts'
import { readCommandLine, USAGE_STATUS } from './command-line.ts'
import { createInterruptSignal } from './interrupt-signal.ts'
import { describeWork, formatNumber, startProgress } from './progress.ts'
import { runOnCatalogue } from './run-command.ts'

const USAGE = `npm run import -- FILE [--map name=product,price=sale_price] [--format csv|ndjson]

  FILE      a CSV file with a header line, or NDJSON; - for standard input
  --map     fields whose column has another name; the fields are
            ${productFields.join(', ')}
  --format  required unless FILE ends in .csv, .ndjson or .jsonl

Updates products by their sku and creates the missing ones. Invalid records are skipped and reported on standard error,
and the exit status is 1.`

const FORMATS: Readonly<Record<string, Format>> = {
  csv: 'csv',
  ndjson: 'ndjson',
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson'
}
const REFUSED_STATUS = 1

const { format, columns, source, size } = readCommandLine(USAGE, readOptions)

await runOnCatalogue(async ({ mysql }) => {
  const startedAt = performance.now()
  const progress = startProgress()
  const signal = createInterruptSignal()
  try {
    const summary = await importProducts(mysql, addAbortSignal(signal, source), {
      format,
      columns,
      sources: { nowMs: Date.now, randomBytes },
      onRefusal: (refusal) => progress.log(describeRefusal(refusal)),
      onIgnored: (names) => progress.log(`ignored columns: ${names.join(', ')}`),
      onProgress: (bytesRead, recordsRead) => progress.update(size && bytesRead / size, recordsRead)
    }).finally(progress.stop)
    console.log(`${describeSummary(summary)}: ${describeWork(summary.read, startedAt)}`)
    return summary.refused > 0 ? REFUSED_STATUS : 0
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ImportUsageError)) throw error
    console.error(error.message)
    return USAGE_STATUS
  }
})

function readOptions() {
  const { values, positionals } = parseArgs({
    options: { map: { type: 'string', default: '' }, format: { type: 'string' } },
    allowPositionals: true
  })
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new Error('Give one file.')
  const format = FORMATS[values.format ?? extname(file).toLowerCase()]
  if (format === undefined) throw new Error('The format is unknown: add --format csv or --format ndjson.')
  return { format, columns: parseColumnMap(values.map), ...openFile(file) }
}

/** Opens a file for reading. `size` is in bytes; null if it is unknown. */
function openFile(file: string): { source: Readable; size: number | null } {
  if (file === '-') return { source: process.stdin, size: null }
  // npm changes to the folder of the package; INIT_CWD is the folder of the caller.
  const fd = openSync(resolve(process.env.INIT_CWD ?? '', file), 'r')
  const stats = fstatSync(fd)
  if (stats.isDirectory()) throw new Error(`${file} is a folder.`)
  return { source: createReadStream(file, { fd }), size: stats.isFile() ? stats.size : null }
}

function describeRefusal({ line, sku, field, detail }: RecordRefusal): string {
  return `line ${line}${sku === null ? '' : `, sku ${sku}`}: ${field === null ? '' : `${field} `}${detail}`
}

function describeSummary({ read, created, updated, unchanged, superseded, refused }: ImportSummary): string {
  const counts = Object.entries({ created, updated, unchanged, refused })
  if (superseded > 0) counts.push(['replaced by a later record', superseded])
  return `${formatNumber(read)} records: ${counts.map(([what, count]) => `${formatNumber(count)} ${what}`).join(', ')}`
}
