import t, { type Test } from 'tap'
import { createLineBuffer } from '../../../src/platform/logging/line-buffer.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A target that takes each text when it is told to. */
function target(name: string) {
  const writes: string[] = []
  let taken = () => {}
  let failed = (_error: Error) => {}
  return {
    name,
    fd: 1,
    writes,
    write(text: string, onWritten: () => void, onFailed: (error: Error) => void) {
      writes.push(text)
      taken = onWritten
      failed = onFailed
    },
    take: () => taken(),
    fail: () => failed(new Error('no space left'))
  }
}

function complaints(t: Test) {
  const { args } = t.capture(console, 'error')
  return () => args().map(([message]) => String(message))
}

t.test('the first line is written at once, those right after it together', async (t) => {
  const slow = target('slow')
  const lines = createLineBuffer(slow)
  lines.append('1\n')
  t.same(slow.writes, ['1\n'])
  slow.take()
  for (const line of ['2\n', '3\n', '4\n']) lines.append(line)
  t.same(slow.writes, ['1\n'])
  await waitFor('the window ends', () => slow.writes.length > 1)
  t.same(slow.writes, ['1\n', '2\n3\n4\n'])
  slow.take()
})

t.test('many lines, and lines that are urgent, do not wait', async (t) => {
  const quick = target('quick')
  const lines = createLineBuffer(quick)
  lines.append('1\n')
  for (let count = 0; count < 10_000; count++) lines.append('a line\n')
  quick.take()
  t.equal(quick.writes.length, 2)
  t.ok((quick.writes[1]?.length ?? 0) >= 70_000)
  quick.take()
  lines.append('2\n')
  lines.appendUrgent('3\n')
  t.equal(quick.writes.at(-1), '2\n3\n')
  lines.appendUrgent('4\n')
  t.equal(quick.writes.length, 3, 'one at a time')
  quick.take()
  t.equal(quick.writes.at(-1), '4\n')
  quick.take()
})

t.test('flushing waits for all that is written, and not for ever', async (t) => {
  const slow = target('slow')
  const lines = createLineBuffer(slow)
  await lines.flush()
  lines.append('1\n')
  lines.append('2\n')
  const flushed = lines.flush().then(() => slow.writes.length)
  slow.take()
  slow.take()
  t.equal(await flushed, 2)
  const heard = complaints(t)
  const stuck = createLineBuffer(target('stuck'))
  stuck.append('1\n')
  await stuck.flush()
  t.match(heard(), [/to stuck, and are lost/])
})

t.test('while nothing can be written, memory is bounded and standard error hears it once', async (t) => {
  const heard = complaints(t)
  const full = target('a full disk')
  const lines = createLineBuffer(full)
  lines.append('1\n')
  full.fail()
  full.fail()
  const line = `${'x'.repeat(999)}\n`
  for (let count = 0; count < 10_000; count++) lines.append(line)
  t.same(heard(), ['Log lines cannot be written to a full disk, and are lost: no space left'])
  full.take()
  const kept = full.writes[1]?.length ?? 0
  t.ok(kept > 8_000_000 && kept < 9_000_000, `${kept} characters were kept`)
  full.fail()
  t.same(heard().length, 1, 'and again when it comes again')
  full.take()
})
