import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'

const LINES = 100_000

t.test('a reader gets every line, whole and in order, also when there is more than a pipe holds', async (t) => {
  const code = `
    const { standardOutput } = await import('${new URL('../../../src/platform/logging/log-targets.ts', import.meta.url)}')
    // As the service does, which makes the pipe one that can be full.
    process.stdout.isTTY
    for (let line = 1; line <= ${LINES}; line++) standardOutput.append(line + ' a line like many others\\n')
    await standardOutput.flush()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exit = once(child, 'exit')
  let next = 1
  for await (const line of createInterface({ input: child.stdout })) if (Number.parseInt(line, 10) === next) next++
  t.equal(next, LINES + 1)
  t.same(await exit, [0, null])
})

t.test('a reader that stops reading does not keep the process from ending', async (t) => {
  const code = `
    const { standardOutput } = await import('${new URL('../../../src/platform/logging/log-targets.ts', import.meta.url)}')
    process.stdout.isTTY
    for (let line = 1; line <= ${LINES}; line++) standardOutput.append(line + ' a line like many others\\n')
    await standardOutput.flush()
    process.exit(7)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const end = once(child.stderr, 'end')
  // Nobody reads its standard output.
  t.same(await once(child, 'exit'), [7, null])
  await end
  t.match(stderr, /^Log lines cannot be written to standard output, and are lost: .*\n$/)
})
