import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** How much of a file is read at once. */
const READ_BYTES = 65_536

/** What is written and not yet read: of any length, in order, in little memory. */
export interface Spool {
  /** What was written. Whoever destroys it frees everything; what is written afterwards is forgotten. */
  readonly output: Readable
  /** Resolves when the chunk is kept: at once as a rule, however slow the reader. Where the disk has no more room, waits. */
  write(chunk: Buffer): Promise<void>
  /** Nothing more is written. */
  end(): void
}

interface SpoolOptions {
  /** Where a file is made when one is needed. It has no name by then, so that nothing is left behind. */
  folder: string
  memoryBytes: number
  diskBytes: number
}

/** Keeps the beginning of what waits in memory, and what comes after that in a file. */
export function createSpool({ folder, memoryBytes, diskBytes }: SpoolOptions): Spool {
  let inMemory: Buffer[] = []
  let memorySize = 0
  let file: FileHandle | undefined
  /** Positions in the file. */
  let writtenTo = 0
  let readTo = 0
  let isEnded = false
  let wakeReader = () => {}
  let wakeWriter = () => {}

  const output = new Readable({
    read() {
      next().then(
        (chunk) => output.push(chunk),
        (error) => output.destroy(error)
      )
    },
    destroy(error, done) {
      wakeWriter()
      inMemory = []
      const closed = file?.close() ?? Promise.resolve()
      closed.then(
        () => done(error),
        (closeError) => done(error ?? closeError)
      )
    }
  })

  /** What is in memory was written before what is in the file. Null at the end. */
  async function next(): Promise<Buffer | null> {
    while (memorySize === 0 && readTo === writtenTo && !isEnded) {
      await new Promise<void>((resolve) => {
        wakeReader = resolve
      })
    }
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
    wakeWriter()
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
    wakeReader()
    while (writtenTo - readTo > diskBytes && !output.destroyed) {
      await new Promise<void>((resolve) => {
        wakeWriter = resolve
      })
    }
  }

  return {
    output,

    async write(chunk) {
      if (output.destroyed) return
      if (readTo === writtenTo && memorySize + chunk.length <= memoryBytes) {
        inMemory.push(chunk)
        memorySize += chunk.length
        wakeReader()
        return
      }
      await writeToFile(chunk).catch((error) => {
        // What comes later may fit into memory, but would not follow on what came before.
        output.destroy(error)
        throw error
      })
    },

    end() {
      isEnded = true
      wakeReader()
    }
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `aisle-${randomUUID()}`)
  const file = await open(path, 'ax+', 0o600)
  await unlink(path)
  return file
}
