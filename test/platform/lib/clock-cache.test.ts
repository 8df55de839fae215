import fc from 'fast-check'
import t from 'tap'
import { createClockCache } from '../../../src/platform/lib/clock-cache.ts'

interface Page {
  key: number
  isVisited: boolean
  isPinned: boolean
}

t.test('the hand goes round as that of a clock', async () => {
  const key = fc.nat(8)
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('set' as const), key, isPinned: fc.boolean() }) },
    { weight: 5, arbitrary: fc.record({ act: fc.constant('visit' as const), key }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constantFrom('evict' as const, 'advance' as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('delete' as const), key }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('clear' as const) }) }
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const cache = createClockCache<number, Page>()
      /** The circle, from the hand on. */
      let circle: Page[] = []
      const turn = () => {
        const page = circle.shift()
        if (page) circle.push(page)
        return page
      }
      const evict = () => {
        for (let turns = 2 * circle.length; turns > 0; turns--) {
          const page = turn()
          if (!page?.isPinned && !page?.isVisited) return circle.pop()
          if (!page.isPinned) page.isVisited = false
        }
      }
      for (const step of steps) {
        if (step.act === 'set') {
          const page = { key: step.key, isVisited: false, isPinned: step.isPinned }
          circle = [...circle.filter(({ key }) => key !== step.key), page]
          cache.set(step.key, page)
        } else if (step.act === 'visit') {
          const page = cache.get(step.key)
          if (page) page.isVisited = true
        } else if (step.act === 'delete') {
          circle = circle.filter(({ key }) => key !== step.key)
          cache.delete(step.key)
        } else if (step.act === 'clear') {
          circle = []
          cache.clear()
        } else if (step.act === 'advance') {
          if (cache.advance() !== turn()) throw new Error('the hand is somewhere else')
        } else {
          const marks = circle.map(({ isVisited }) => isVisited)
          const pages = [...circle]
          const evicted = cache.evict(({ isPinned }) => !isPinned)
          const marksAfter = pages.map(({ isVisited }) => isVisited)
          for (const [place, page] of pages.entries()) page.isVisited = marks[place] ?? false
          if (evict() !== evicted) throw new Error('another entry was evicted')
          if (pages.some(({ isVisited }, place) => isVisited !== marksAfter[place])) throw new Error('other marks')
        }
        const entries = [...cache.values()]
        if (cache.size !== circle.length || entries.some((entry, place) => entry !== circle[place])) {
          throw new Error('another circle')
        }
      }
    })
  )
})

t.test('it has room as long as something may be evicted, however often everything was visited', async (t) => {
  const cache = createClockCache<number, Page>()
  for (let key = 0; key < 10_000; key++) {
    cache.set(key, { key, isVisited: true, isPinned: key % 2 === 0 })
    if (cache.size > 100) cache.evict(({ isPinned }) => !isPinned)
    if (cache.size > 100) cache.evict()
  }
  t.equal(cache.size, 100)
})
