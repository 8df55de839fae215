import { Readable } from 'node:stream'
import type { ProductExportEnd } from '../../../schemas/export.ts'
import { EXPORT_STALL_TIMEOUT_MS, EXPORT_TIMEOUT_MS, MAX_EXPORTS } from '../../config/limits.ts'
import type { Database } from '../../platform/database/database.ts'
import type { Snapshot } from '../../platform/database/snapshot.ts'
import { overloaded, shuttingDown } from '../../platform/errors/app-error.ts'
import { encodeFeedCursor } from '../change-feed/feed-cursor.ts'
import { readEnd } from '../change-feed/read-feed.ts'
import { numberChanges } from '../change-log/product-changes.ts'
import type { Filters } from '../listing/query/list-query.ts'
import { toProduct } from '../products/product-row.ts'
import { serialiseProduct } from '../products/serialise-products.ts'
import { walkProducts } from './walk-products.ts'

const RETRY_AFTER_SECONDS = 10

/** The exports of the catalogue that run on this instance. */
export interface ProductExports {
  /**
   * Starts an export of the products that pass the filters, as they are at one moment: with everything that was committed
   * before the call.
   * @returns NDJSON in UTF-8. When the export fails, the stream is destroyed with an error before its last line
   * @throws {AppError} `overloaded` when too many run; `shutting-down`; `database-unavailable` or `database-timeout`
   */
  start(filters: Filters): Promise<Readable>
  /** The number of exports that run now. */
  readonly running: number
  /** Ends those that run, with an error, and starts no more. */
  close(): void
}

interface StreamTimeouts {
  /** How long the reader may read nothing. */
  stallTimeoutMs: number
  /** How long the whole stream may take. */
  timeoutMs: number
}

interface ProductExportsOptions extends Partial<StreamTimeouts> {
  database: Database
  openSnapshot: () => Promise<Snapshot>
  onRows: (count: number) => void
}

/** Creates the exports of an instance; none run yet. */
export function createProductExports(options: ProductExportsOptions): ProductExports {
  const {
    database,
    openSnapshot,
    stallTimeoutMs = EXPORT_STALL_TIMEOUT_MS,
    timeoutMs = EXPORT_TIMEOUT_MS,
    onRows
  } = options
  const streams = new Set<Readable>()
  let running = 0
  let isClosed = false

  async function open(filters: Filters): Promise<Readable> {
    // Keeps the number of changes small that are both in the export and after its cursor.
    await numberChanges(database)
    const snapshot = await openSnapshot()
    const lines = writeLines(snapshot, filters, onRows)
    try {
      // An error up to here still becomes a response.
      const first = await lines.next()
      if (isClosed) throw shuttingDown()
      const stream = createLineStream(startWith(first, lines), { stallTimeoutMs, timeoutMs }, () => {
        running--
        streams.delete(stream)
        snapshot.close()
      })
      streams.add(stream)
      return stream
    } catch (error) {
      snapshot.close()
      throw error
    }
  }

  return {
    async start(filters) {
      if (isClosed) throw shuttingDown()
      if (running >= MAX_EXPORTS) {
        throw overloaded(`${MAX_EXPORTS} exports are running, which is the limit of an instance.`, RETRY_AFTER_SECONDS)
      }
      running++
      try {
        return await open(filters)
      } catch (error) {
        running--
        throw error
      }
    },
    get running() {
      return running
    },
    close() {
      isClosed = true
      for (const stream of streams) stream.destroy(shuttingDown())
    }
  }
}

/**
 * Writes a line for each product of the snapshot that passes the filters, then the last line. Each text has some lines, or
 * none.
 */
async function* writeLines(
  snapshot: Pick<Snapshot, 'execute'>,
  filters: Filters,
  onRows: (count: number) => void
): AsyncGenerator<string, void> {
  const changesCursor = encodeFeedCursor(await readEnd(snapshot))
  let count = 0
  for await (const rows of readAhead(walkProducts(snapshot, filters))) {
    count += rows.length
    onRows(rows.length)
    yield rows.map((row) => `${serialiseProduct(toProduct(row))}\n`).join('')
  }
  const end: ProductExportEnd = { export: { count, changesCursor } }
  yield `${JSON.stringify(end)}\n`
}

/** Requests the next value while the caller works on the one before, so that MySQL and this process work in parallel. */
async function* readAhead<T>(values: AsyncIterator<T, void>): AsyncGenerator<T, void> {
  let next = values.next()
  for (;;) {
    const { value, done } = await next
    if (done || value === undefined) return
    next = values.next()
    // The error is thrown where the value is awaited; until then it must not count as unhandled.
    next.catch(() => {})
    yield value
  }
}

function startWith<T>(first: IteratorResult<T, void>, rest: AsyncIterator<T, void>): AsyncIterator<T, void> {
  let isFirst = true
  return {
    async next() {
      if (!isFirst) return await rest.next()
      isFirst = false
      return first
    }
  }
}

/** Creates a stream that takes texts as they are read, and is destroyed with an error when that takes too long. */
function createLineStream(
  lines: AsyncIterator<string, void>,
  { stallTimeoutMs, timeoutMs }: StreamTimeouts,
  onClose: () => void
): Readable {
  const deadline = setTimeout(cut, timeoutMs, `It was not read to its end within ${timeoutMs} ms.`)
  let stall = watchReader()

  function watchReader() {
    return setTimeout(cut, stallTimeoutMs, `Its reader took nothing for ${stallTimeoutMs} ms.`)
  }

  function cut(reason: string): void {
    stream.destroy(new Error(reason))
  }

  /** Returns the next text that is not empty; null at the end. */
  async function next(): Promise<string | null> {
    for (;;) {
      const { value, done } = await lines.next()
      if (done || value === undefined) return null
      if (value !== '') return value
    }
  }

  const stream = new Readable({
    read() {
      clearTimeout(stall)
      next().then(
        (text) => {
          if (stream.destroyed) return
          stall = watchReader()
          stream.push(text)
        },
        (error) => stream.destroy(error)
      )
    },
    destroy(error, done) {
      clearTimeout(stall)
      clearTimeout(deadline)
      onClose()
      done(error)
    }
  })
  return stream
}
