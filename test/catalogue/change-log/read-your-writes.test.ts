import t from 'tap'
import { createReadYourWrites } from '../../../src/catalogue/change-log/read-your-writes.ts'

function prepare() {
  const clock = { nowMs: 0 }
  const view = { version: 0 as number | null }
  const ownWrites = createReadYourWrites(view, () => clock.nowMs)
  const write = (keyId: string, version: number) => {
    view.version = version
    ownWrites.note(keyId)
  }
  return { clock, view, write, seenBy: ownWrites.seenBy }
}

t.test('nothing is to be seen at once where nothing was written', async (t) => {
  const { view, seenBy } = prepare()
  view.version = 7
  t.equal(seenBy(null), 0)
  t.equal(seenBy('a'), 0)
})

t.test('everybody sees a few writes at once; of many, each key its own', async (t) => {
  const { clock, write, seenBy } = prepare()
  for (let version = 1; version <= 10; version++) {
    write('a', version)
    t.equal(seenBy(null), version)
  }
  write('b', 11)
  write('a', 12)
  t.equal(seenBy(null), 10)
  t.equal(seenBy('c'), 10)
  t.equal(seenBy('b'), 11)
  t.equal(seenBy('a'), 12)
  clock.nowMs += 999
  write('b', 13)
  t.equal(seenBy(null), 10)
  clock.nowMs += 1
  write('b', 14)
  t.equal(seenBy(null), 14)
  t.equal(seenBy('a'), 14, 'nobody sees less than all')
})

t.test('nobody waits for a version that a restored database does not have', async (t) => {
  const { view, write, seenBy } = prepare()
  write('a', 100)
  view.version = 40
  t.equal(seenBy('a'), 40)
  view.version = null
  t.equal(seenBy('a'), 0)
})

t.test('keys that have not written for long are forgotten', async (t) => {
  const { write, seenBy } = prepare()
  for (let version = 1; version <= 20; version++) write('old', version)
  for (let number = 0; number < 1000; number++) write(`key ${number}`, 21 + number)
  t.equal(seenBy('key 0'), 21)
  t.equal(seenBy('old'), 10)
})
