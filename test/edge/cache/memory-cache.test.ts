import fc from 'fast-check'
import t from 'tap'
import { createResponseEncoder } from '../../../src/edge/cache/cached-response.ts'
import { createMemoryCache, type MemoryCache, type MemoryEntry } from '../../../src/edge/cache/memory-cache.ts'

const MAX_BYTES = 40_000
const encoded = await createResponseEncoder({}, true)({ body: Buffer.alloc(0), etag: '""' }, 'identity')

function entryOf(key: string, bodyBytes = 0, link?: string): MemoryEntry {
  return {
    cacheable: {
      key,
      productId: null,
      affectedBy: () => () => true,
      ttlMs: 0,
      load: () => Promise.reject(new Error('not asked'))
    },
    response: { body: Buffer.alloc(bodyBytes), etag: '""', ...(link !== undefined && { link }) },
    isAffected: false,
    version: 1,
    loadedAtMs: 0,
    expiresAtMs: 0,
    retryAtMs: 0,
    isRemoved: false,
    isVisited: false,
    encoded: {},
    urls: [],
    sizeBytes: 0
  }
}

/** As slow and as plain as can be: lists of what is in, the oldest first. */
class Model {
  entries: MemoryEntry[] = []
  urls = new Map<string, MemoryEntry>()

  get sizeBytes(): number {
    return this.entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  remove(entry: MemoryEntry): void {
    this.entries = this.entries.filter((other) => other !== entry)
    for (const [url, owner] of this.urls) if (owner === entry) this.urls.delete(url)
  }

  /** Given what was visited before, and the size of the entry as the memory has measured it. */
  makeRoom(changed: MemoryEntry, visited: Set<MemoryEntry>): void {
    if (changed.sizeBytes > MAX_BYTES) this.remove(changed)
    while (this.sizeBytes > MAX_BYTES) {
      const [oldest] = this.entries
      if (oldest === undefined) return
      this.remove(oldest)
      if (!visited.delete(oldest)) continue
      this.entries.push(oldest)
      for (const url of oldest.urls) this.urls.set(url, oldest)
    }
  }
}

const keys = ['a', 'b', 'c', 'd', 'e', 'f']
const key = fc.constantFrom(...keys)
const bytes = fc.oneof(fc.nat({ max: 12_000 }), fc.constant(2 * MAX_BYTES))
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('set' as const), key, bytes }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('grow' as const), key, bytes }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('url' as const), key, url: fc.nat({ max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('visit' as const), key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('drop' as const), key }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('clear' as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

t.test('it behaves like a plain model, within its bound, by key and by URL', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = createMemoryCache(MAX_BYTES)
      const model = new Model()
      const known = new Set<MemoryEntry>()
      for (const step of steps) {
        apply(step, memory, model, known)
        compare(memory, model, known)
      }
    }),
    { numRuns: 500 }
  )
})

function apply(step: Step, memory: MemoryCache, model: Model, known: Set<MemoryEntry>) {
  const visited = new Set(model.entries.filter(({ isVisited }) => isVisited))
  if (step.act === 'clear') {
    memory.clear()
    model.entries = []
    model.urls.clear()
    return
  }
  const present = model.entries.find(({ cacheable }) => cacheable.key === step.key)
  switch (step.act) {
    case 'set': {
      const entry = entryOf(step.key, step.bytes)
      known.add(entry)
      if (present) model.remove(present)
      model.entries.push(entry)
      memory.set(entry)
      return model.makeRoom(entry, visited)
    }
    case 'grow':
      if (present === undefined) return
      present.encoded.gzip = { ...encoded, body: Buffer.alloc(step.bytes) }
      memory.resize(present)
      return model.makeRoom(present, visited)
    case 'url': {
      if (present === undefined) return
      const url = `/${step.url}`
      const before = present.urls.length
      memory.rememberUrl(present, url)
      if (present.urls.length > before) model.urls.set(url, present)
      return model.makeRoom(present, visited)
    }
    case 'visit':
      if (present) present.isVisited = true
      return
    case 'drop':
      memory.remove(step.key)
      if (present) model.remove(present)
  }
}

function compare(memory: MemoryCache, model: Model, known: Set<MemoryEntry>) {
  const expect = (isTrue: boolean, what: string) => {
    if (!isTrue) throw new Error(what)
  }
  expect(memory.sizeBytes <= MAX_BYTES, `${memory.sizeBytes} bytes`)
  expect(memory.sizeBytes === model.sizeBytes, `${memory.sizeBytes} bytes, and ${model.sizeBytes} in the model`)
  expect(memory.count === model.entries.length, 'as many')
  for (const key of keys) expect(memory.get(key) === model.entries.find((entry) => entry.cacheable.key === key), key)
  for (let url = 0; url <= 30; url++) expect(memory.getByUrl(`/${url}`) === model.urls.get(`/${url}`), `/${url}`)
  for (const entry of known) expect(entry.isRemoved === !model.entries.includes(entry), 'removed when it is not in')
}

t.test('a requested response survives any number of responses that are requested once', async (t) => {
  const memory = createMemoryCache(MAX_BYTES)
  const hot = entryOf('hot', 5000)
  memory.set(hot)
  memory.rememberUrl(hot, '/hot')
  for (let i = 0; i < 10_000; i++) {
    memory.set(entryOf(`once ${i}`, 1000))
    hot.isVisited = true
  }
  t.equal(memory.get('hot'), hot)
  t.equal(memory.getByUrl('/hot'), hot)
  t.equal(memory.get('once 0'), undefined)
  for (let i = 0; i < 40; i++) memory.set(entryOf(`last ${i}`, 1000))
  t.equal(memory.get('hot'), undefined, 'and goes like any other once it is not')
})

t.test('a response larger than the whole cache does not empty it', async (t) => {
  const memory = createMemoryCache(MAX_BYTES)
  for (let i = 0; i < 5; i++) memory.set(entryOf(`small ${i}`))
  const large = entryOf('large', MAX_BYTES)
  memory.set(large)
  t.ok(large.isRemoved)
  t.equal(memory.count, 5)
})

t.test('an entry has few URLs, a URL has one entry, and a removed entry has no URL', async (t) => {
  const memory = createMemoryCache(MAX_BYTES)
  const [one, other] = [entryOf('one'), entryOf('other')]
  memory.set(one)
  memory.set(other)
  memory.rememberUrl(one, '/x')
  memory.rememberUrl(other, '/x')
  t.equal(memory.getByUrl('/x'), one)
  for (let i = 0; i < 1000; i++) memory.rememberUrl(other, `/${i}`)
  t.ok(other.urls.length < 20, `${other.urls.length}`)
  memory.remove('one')
  memory.rememberUrl(one, '/y')
  t.equal(memory.getByUrl('/y'), undefined)
  t.equal(memory.getByUrl('/x'), undefined)
})

t.test('header fields whose length depends on the client are counted', async (t) => {
  const sizeWith = (link: string) => {
    const memory = createMemoryCache(10 * MAX_BYTES)
    memory.set(entryOf('list', 100, link))
    return memory.sizeBytes
  }
  t.ok(sizeWith('x'.repeat(16_000)) - sizeWith('') >= 16_000)
})
