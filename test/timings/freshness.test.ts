import t from 'tap'
import { waitFor } from '../support/wait-for.ts'
import {
  checkFresh,
  holdLoads,
  LIST,
  listen,
  observeAll,
  prepare,
  SKUS,
  stocked,
  untilOver,
  untilSeen,
  wrapLoads,
  writeHere
} from './support/instances.ts'
import { ask, nowMs } from './support/observe.ts'
import type { Commit } from './support/product-writer.ts'

t.test('a write of another process is visible everywhere within a second', async (t) => {
  const { config, first, id, detail, write } = await prepare(t)
  const observers = observeAll(t, [first, await listen(t, config)], [LIST, detail], id)
  await untilSeen(observers, 0)
  const commits: Commit[] = []
  for (const stock of [1, 2, 3]) {
    commits.push(...(await write([stocked(stock)])))
    await untilSeen(observers, stock)
  }
  await checkFresh(t, observers, commits)
  for (const { seen } of observers) {
    const hits = seen.filter(({ cacheStatus }) => cacheStatus.includes('hit')).length
    t.ok(hits > 0.95 * seen.length, `${hits} of ${seen.length} were hits`)
  }
})

t.test('under a hundred writes a second a hot list stays hot, and one loader loads it once a second', async (t) => {
  const { config, first, id, detail, write } = await prepare(t)
  const second = await listen(t, config)
  let loads = 0
  for (const instance of [first, second]) {
    wrapLoads(instance, 'list', (load) => {
      loads++
      return load()
    })
  }
  const observers = observeAll(t, [first, second], [LIST, detail], id)
  await untilSeen(observers, 0)
  const [startedAtMs, loadsBefore] = [nowMs(), loads]
  const commits = await write(
    Array.from({ length: 400 }, (_, index) => stocked(1 + Math.floor(index / 10), SKUS[index % 10])),
    10
  )
  const seconds = (nowMs() - startedAtMs) / 1000
  const loadsWithin = loads - loadsBefore
  const ofObserved = commits.filter(({ sku }) => sku === SKUS[0])
  t.equal(ofObserved.length, 40)
  await untilSeen(observers, 40)
  await checkFresh(t, observers, ofObserved)
  t.ok(commits.length / seconds > 50, `${commits.length / seconds} writes a second`)
  // It is read anew after 0.9 s; and once more where Redis was too slow to say that another one is at it.
  t.ok(loadsWithin <= seconds / 0.9 + 2, `${loadsWithin} loads in ${seconds} s`)
  t.ok(loadsWithin >= seconds - 1)
  for (const { seen } of observers.filter(({ url }) => url.endsWith(LIST))) {
    const hits = seen.filter(({ cacheStatus }) => cacheStatus === 'aisle; hit; detail=memory').length
    t.ok(hits > 0.97 * seen.length, `${hits} of ${seen.length} answers came from memory`)
  }
})

t.test('a slow transaction is visible within a second of its commit, and so are quicker ones', async (t) => {
  const { config, connection, first, id, detail, write } = await prepare(t)
  const observers = observeAll(t, [first, await listen(t, config)], [LIST, detail], id)
  await untilSeen(observers, 0)
  const { commit } = connection
  let quick: Commit[] = []
  let committedAtMs = 0
  Object.assign(connection, {
    async commit() {
      quick = await write(
        Array.from({ length: 30 }, (_, index) => stocked(index, 'S1')),
        10
      )
      await untilOver(observers, quick.at(-1)?.atMs)
      await commit.call(connection)
      committedAtMs = nowMs()
    }
  })
  await writeHere(connection, 1)
  t.equal(quick.length, 30)
  await untilSeen(observers, 1)
  await checkFresh(t, observers, [{ ...stocked(1), atMs: committedAtMs }])
})

t.test("an instance's own write is visible at once and from then on, whatever Redis holds", async (t) => {
  const { config, connection, first, id, hexId, detail } = await prepare(t)
  const [other] = observeAll(t, [await listen(t, config)], [detail], id)
  const old: string[] = []
  let asked = 0
  for (let stock = 1; stock <= 6; stock++) {
    await waitFor('the other one has it', () => other?.seen.at(-1)?.stock === stock - 1)
    await ask(first.url + detail, id)
    await writeHere(connection, stock)
    first.app.changeLog.index.markWritten([hexId])
    const writtenAtMs = nowMs()
    // Until well after the write has come back in the log.
    while (nowMs() < writtenAtMs + 500) {
      asked++
      const { stock: seen, beganAtMs, cacheStatus } = await ask(first.url + detail, id)
      if (seen !== stock) old.push(`${seen} instead of ${stock} after ${beganAtMs - writtenAtMs} ms, ${cacheStatus}`)
    }
  }
  t.ok(asked > 100)
  t.same(old.slice(0, 5), [], `${old.length} of ${asked} answers were old`)
})

t.test("an instance's own write is visible at once, also while an older state is being loaded", async (t) => {
  const { connection, first, id, hexId, detail } = await prepare(t)
  const { loaded, release, letOthersPass } = holdLoads(first, 'detail')
  const early = ask(first.url + detail, id)
  await loaded
  letOthersPass()
  await writeHere(connection, 1)
  first.app.changeLog.index.markWritten([hexId])
  t.equal((await ask(first.url + detail, id)).stock, 1)
  release()
  await early
  const seen = new Set<number | undefined>()
  const endAtMs = nowMs() + 400
  while (nowMs() < endAtMs) seen.add((await ask(first.url + detail, id)).stock)
  t.same([...seen], [1], 'what was read earlier does not come up')
})
