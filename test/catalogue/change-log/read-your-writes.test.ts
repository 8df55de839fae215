import t from 'tap'
import { createReadYourWrites } from '../../../src/catalogue/change-log/read-your-writes.ts'

function prepare() {
  const clock = { nowMs: 0 }
  const index = { version: 0 as number | null }
  const { record, versionFor } = createReadYourWrites(index, () => clock.nowMs)
  const write = (keyId: string, version: number) => {
    index.version = version
    record(keyId)
  }
  return { clock, index, write, versionFor }
}

t.test('without writes, any version will do', async (t) => {
  const { index, versionFor } = prepare()
  index.version = 7
  t.equal(versionFor(null), 0)
  t.equal(versionFor('a'), 0)
})

t.test('up to ten writes a second are for everybody, more only for the key that wrote', async (t) => {
  const { clock, write, versionFor } = prepare()
  for (let version = 1; version <= 10; version++) {
    write('a', version)
    t.equal(versionFor(null), version)
  }
  write('b', 11)
  write('a', 12)
  t.equal(versionFor(null), 10)
  t.equal(versionFor('c'), 10)
  t.equal(versionFor('b'), 11)
  t.equal(versionFor('a'), 12)
  clock.nowMs += 999
  write('b', 13)
  t.equal(versionFor(null), 10)
  clock.nowMs += 1
  write('b', 14)
  t.equal(versionFor(null), 14)
  t.equal(versionFor('a'), 14, 'a key sees at least what everybody sees')
})

t.test('a version that a restored database does not have is not asked for', async (t) => {
  const { index, write, versionFor } = prepare()
  write('a', 100)
  index.version = 40
  t.equal(versionFor('a'), 40)
  index.version = null
  t.equal(versionFor('a'), 0)
})

t.test('after a thousand keys the one that wrote longest ago is forgotten', async (t) => {
  const { write, versionFor } = prepare()
  for (let version = 1; version <= 20; version++) write('old', version)
  for (let number = 0; number < 1000; number++) write(`key ${number}`, 21 + number)
  t.equal(versionFor('key 0'), 21)
  t.equal(versionFor('old'), 10)
})
