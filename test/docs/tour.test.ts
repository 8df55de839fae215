import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeClone, untilNothingIsLeft } from '../support/clone.ts'
import { runShell } from '../support/run-in-clone.ts'
import { start } from '../support/start-in-clone.ts'

const skip = spawnSync('curl', ['--help']).error === undefined ? false : 'needs curl'
const END = '==== end of a block'

/** The shell blocks of the tour. */
const page = readFileSync(new URL('../../docs/tour.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)

/** Returns the first group of every match, in the order of the text. */
const all = (text: string | undefined, pattern: RegExp) =>
  Array.from(text?.matchAll(pattern) ?? [], ([, match]) => match)

t.setTimeout(120_000)

t.test('the tour works as docs/tour.md prints it', { skip }, async (t) => {
  const startedAt = new Date().toISOString()
  const clone = makeClone(t)
  const { run, url } = await start(clone, { CIRCUIT_BREAKER_RESET_TIMEOUT: '1000' })
  const [, supplier = ''] = await run.untilOutput(/supplier +(http[^\s,]+)/)
  const script = blocks
    .join(`echo '${END}'\n`)
    .replaceAll('http://127.0.0.1:3000', url)
    .replaceAll('http://127.0.0.1:4010', supplier)
  const shell = runShell(clone, script)
  t.equal(await shell.ended, 0)
  const [live, failing, recovered, webhooks, sync] = shell.output().split(END)

  const SOURCE = /"source":"(\w+)"/g
  t.same(all(live, SOURCE), Array(5).fill('live'))
  t.same(all(failing, SOURCE), Array(5).fill('catalogue'))
  t.match(failing, /"status":"degraded".*"supplier":\{"status":"down","breaker":"open"\}/)
  t.same(all(recovered, SOURCE).slice(-5), Array(5).fill('live'))
  t.match(recovered, /"supplier":\{"status":"ok","breaker":"closed"\}/)
  const updated = all(webhooks, /"updatedAt":"([^"]+)/g)
  t.equal(updated.length, 4)
  t.ok(updated.every((at = '') => at > startedAt))
  t.match(webhooks, /"deliveries":\{"events":4,"attempts":4,"delivered":4,"givenUp":0\}/)
  t.match(sync, /Nothing was written\. 5,000 items: 0 created, 0 updated, 100 deleted, 4,900 unchanged, 0 refused/)

  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})
