import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** How many bytes of the file are read at a time. */
const READ_BYTES = 65_536

/** A buffer between a writer and a slow reader: of any length, in order, in little memory. */
export interface Spool {
  /** The stream of what was written. Destroying it frees everything; what is written afterwards is dropped. */
  readonly output: Readable
  /** Resolves when the chunk is kept: at once as a rule, however slow the reader; when the file is full, after a read. */
  write(chunk: Buffer): Promise<void>
  /** Ends the stream after what was written. */
  end(): void
}

interface SpoolOptions {
  /** The folder for the file, if one is needed. The file has no name by then, so a crash leaves nothing behind. */
  folder: string
  memoryBytes: number
  diskBytes: number
}

/** Creates a spool, which keeps the first unread bytes in memory and what is written after them in a file. */
export function createSpool({ folder, memoryBytes, diskBytes }: SpoolOptions): Spool {
  /** Chunks that were written before everything in the file. */
  let inMemory: Buffer[] = []
  let memorySize = 0
  let file: FileHandle | undefined
  let writtenTo = 0
  let readTo = 0
  let isEnded = false
  let changed = Promise.withResolvers<void>()

  /** Wakes the side that waits for the other one. */
  function notify(): void {
    changed.resolve()
    changed = Promise.withResolvers()
  }

  const output = new Readable({
    read() {
      next().then(
        (chunk) => output.push(chunk),
        (error) => output.destroy(error)
      )
    },
    destroy(error, done) {
      notify()
      inMemory = []
      const closed = file?.close() ?? Promise.resolve()
      closed.then(
        () => done(error),
        (closeError) => done(error ?? closeError)
      )
    }
  })

  /** Returns what is to be read next; null at the end. */
  async function next(): Promise<Buffer | null> {
    while (memorySize === 0 && readTo === writtenTo && !isEnded) await changed.promise
    if (memorySize > 0) {
      const chunk = Buffer.concat(inMemory)
      inMemory = []
      memorySize = 0
      return chunk
    }
    if (readTo === writtenTo || file === undefined) return null
    const length = Math.min(READ_BYTES, writtenTo - readTo)
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, readTo)
    readTo += bytesRead
    notify()
    return buffer.subarray(0, bytesRead)
  }

  async function writeToFile(chunk: Buffer): Promise<void> {
    file ??= await openNameless(folder)
    if (output.destroyed) return await file.close()
    if (readTo === writtenTo && writtenTo > 0) {
      await file.truncate()
      writtenTo = 0
      readTo = 0
    }
    await file.appendFile(chunk)
    writtenTo += chunk.length
    notify()
    while (writtenTo - readTo > diskBytes && !output.destroyed) await changed.promise
  }

  return {
    output,

    async write(chunk) {
      if (output.destroyed) return
      if (readTo === writtenTo && memorySize + chunk.length <= memoryBytes) {
        inMemory.push(chunk)
        memorySize += chunk.length
        notify()
        return
      }
      await writeToFile(chunk).catch((error) => {
        // A later chunk may fit into memory, but would not follow on what came before.
        output.destroy(error)
        throw error
      })
    },

    end() {
      isEnded = true
      notify()
    }
  }
}

/** Opens a file and removes its name: it is gone when it is closed. */
async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `aisle-${randomUUID()}`)
  const file = await open(path, 'ax+', 0o600)
  await unlink(path)
  return file
}
