import { PRODUCT_MAX_BYTES } from '../../config/limits.ts'
import { createLineSplitter, type Line } from '../../platform/lib/line-splitter.ts'
import { type BulkLine, readLine } from './read-line.ts'

/** A batch is a transaction: it ends with whichever of the two it reaches first. */
export const BATCH_LINES = 500
const BATCH_BYTES = 2 ** 20

/** Reads a body batch by batch. None is empty; of the body no more is held than one of them. */
export async function* readBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<BulkLine[]> {
  const splitter = createLineSplitter(PRODUCT_MAX_BYTES)
  let batch: BulkLine[] = []
  let bytesRead = 0

  function* collect(lines: Iterable<Line>): Generator<BulkLine[]> {
    for (const line of lines) {
      const read = readLine(line)
      if (read === undefined) continue
      batch.push(read)
      bytesRead += line.bytes?.length ?? 0
      if (batch.length < BATCH_LINES && bytesRead < BATCH_BYTES) continue
      yield batch
      batch = []
      bytesRead = 0
    }
  }

  for await (const chunk of chunks) yield* collect(splitter.push(chunk))
  yield* collect(splitter.end())
  if (batch.length > 0) yield batch
}
