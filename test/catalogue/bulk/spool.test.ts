import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readlinkSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { createSpool } from '../../../src/catalogue/bulk/spool.ts'
import { waitFor } from '../../support/wait-for.ts'

const limits = { memoryBytes: 64, diskBytes: 2 ** 20 }

/** Files of this process in a folder, also those without a name. */
function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    .filter((path) => path.startsWith(folder))
}

t.test('bytes are read in the order in which they were written, for any interleaving', async (t) => {
  const folder = t.testdir()
  const chunk = fc.integer({ min: 1, max: 150 }).map((size) => randomBytes(size))
  const step = fc.oneof(chunk, fc.constantFrom('read' as const, 'wait' as const))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { output, write, end } = createSpool({ folder, ...limits })
      const written: Buffer[] = []
      const read: Buffer[] = []
      for (const step of steps) {
        if (step === 'wait') await turn()
        else if (step === 'read') read.push(output.read() ?? Buffer.alloc(0))
        else {
          await write(step)
          written.push(step)
        }
      }
      end()
      const rest = await buffer(output)
      assert.deepEqual(Buffer.concat([...read, rest]), Buffer.concat(written))
    }),
    { numRuns: 300 }
  )
  t.same(readdirSync(folder), [])
  if (process.platform === 'linux') await waitFor('files are closed', () => openFiles(folder).length === 0)
})

t.test('the file has no name, and is closed when the reader gives up', async (t) => {
  const folder = t.testdir()
  const { output, write } = createSpool({ folder, ...limits })
  await write(randomBytes(50))
  await write(randomBytes(5000))
  t.same(readdirSync(folder), [])
  if (process.platform === 'linux') t.equal(openFiles(folder).length, 1)
  output.destroy()
  await write(randomBytes(5000))
  if (process.platform === 'linux') await waitFor('it is closed', () => openFiles(folder).length === 0)
})

t.test('when the file is full, writing waits for the reader', async (t) => {
  const { output, write, end } = createSpool({ folder: t.testdir(), memoryBytes: 64, diskBytes: 1000 })
  const chunks = Array.from({ length: 20 }, () => randomBytes(300_000))
  let writing = 0
  const written = (async () => {
    for (const chunk of chunks) {
      await write(chunk)
      writing++
    }
    end()
  })()
  await turn()
  t.ok(writing < 3)
  t.ok((await buffer(output)).equals(Buffer.concat(chunks)))
  await written
})

t.test('a waiting writer resumes when the reader gives up', async (t) => {
  const { output, write } = createSpool({ folder: t.testdir(), memoryBytes: 64, diskBytes: 1000 })
  const writing = write(randomBytes(3000))
  await waitFor('it waits', () => output.readableLength === 0)
  output.destroy()
  await t.resolves(writing)
})

t.test('a chunk that cannot be kept is an error', async (t) => {
  const { output, write } = createSpool({ folder: `${t.testdir()}/nowhere`, ...limits })
  const read = t.rejects(buffer(output), { code: 'ENOENT' })
  await t.rejects(write(randomBytes(5000)), { code: 'ENOENT' })
  await read
  t.ok(output.destroyed, 'what comes later would not follow on what came before')
})
