import t from 'tap'
import { killAll, makeClone, untilNothingIsLeft } from '../support/clone.ts'
import { findProcesses } from '../support/processes.ts'
import { start } from '../support/start-in-clone.ts'
import { waitFor } from '../support/wait-for.ts'

const clone = makeClone(t)
const isEngine = ({ args }: { args: string }) => args.includes('.sock')

t.test('npm start serves; SIGTERM to npm ends all processes', async (t) => {
  const { run, url } = await start(clone)
  t.equal((await fetch(`${url}/api/v1/products`)).status, 200)
  t.match(run.output(), /✔ \w+ [\d.]+ started.* {2}\d+\.\d s\n/)
  t.equal(findProcesses(clone).length, 5, 'npm, the server, the keeper and two engines')
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('SIGTERM to the process group ends all processes', async (t) => {
  const { run } = await start(clone)
  run.signalGroup('SIGTERM')
  await run.ended
  t.match(run.output(), 'SIGTERM: stopping')
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('Ctrl-C ends all processes', async (t) => {
  const { run } = await start(clone)
  run.signalGroup('SIGINT')
  t.equal(await run.ended, 0, 'npm forwards the same signal once more')
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('a second Ctrl-C ends the drain', async (t) => {
  const { run } = await start(clone, { SHUTDOWN_DRAIN_MS: '60000' })
  run.signalGroup('SIGINT')
  await run.untilOutput(/SIGINT: stopping/)
  let status: Awaited<typeof run.ended> | undefined
  run.ended.then((ended) => {
    status = ended
  })
  // Within half a second it counts as the same Ctrl-C, which npm passes on. Only the server gets the later ones, so that
  // none of them ends npm after the server.
  await waitFor('another one ends it', () => {
    for (const { pid, args } of findProcesses(clone)) if (/bootstrap\.cjs/.test(args)) process.kill(pid, 'SIGINT')
    return status
  })
  t.equal(status, 1)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('kill -9 of npm ends all processes', async (t) => {
  const { run } = await start(clone)
  run.process.kill('SIGKILL')
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
  t.match(run.output(), 'SIGTERM: stopping', 'the server shut down gracefully')
})

t.test('kill -9 of the server ends the engines', async (t) => {
  await start(clone)
  await killAll(clone, /bootstrap\.cjs/)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('kill -9 of the keeper: its engines keep running, and end with the server', async (t) => {
  const { run, url } = await start(clone)
  const engines = findProcesses(clone).filter(isEngine)
  await killAll(clone, /keeper\.ts/)
  await run.untilOutput(/taken over[\s\S]*taken over/)
  t.equal((await fetch(`${url}/health/readiness`)).status, 200)
  t.same(findProcesses(clone).filter(isEngine), engines, 'the same processes')
  run.process.kill('SIGTERM')
  await run.ended
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('kill -9 of an engine is reported, and the rest still shuts down gracefully', async (t) => {
  const { run } = await start(clone)
  await killAll(clone, /redis\.sock/)
  await run.untilOutput(/(Redis|Valkey) [\d.]+ has ended unexpectedly/)
  run.process.kill('SIGTERM')
  t.equal(await run.ended, 0)
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})

t.test('two commands share the engines, and the last one stops them', async (t) => {
  const first = await start(clone)
  const second = await start(clone)
  t.notMatch(second.run.output(), /✔ .* started/)
  first.run.process.kill('SIGTERM')
  await first.run.ended
  t.equal((await fetch(`${second.url}/health/readiness`)).status, 200)
  second.run.process.kill('SIGTERM')
  await second.run.ended
  await t.resolves(untilNothingIsLeft(clone), 'nothing is left')
})
