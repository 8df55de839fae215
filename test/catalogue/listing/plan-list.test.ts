import t from 'tap'
import type { ProductListQuery } from '../../../schemas/products.ts'
import { type ListPlan, planSelective, planWalk } from '../../../src/catalogue/listing/plan/plan-list.ts'
import { viewListSample } from '../../../src/catalogue/listing/plan/sample-view.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { makeSample, type SampledFixture } from './support/make-sample.ts'

const SIZE = 4000
/** A million products. */
const WEIGHT = 250
const NEEDED = 21

function plan(fixture: (index: number) => SampledFixture, asked: ProductListQuery, weight = WEIGHT): ListPlan {
  const sample = makeSample(
    Array.from({ length: SIZE }, (_, index) => fixture(index)),
    weight
  )
  const query = parseListQuery(asked)
  const view = viewListSample(sample, query, null)
  return { walk: planWalk(view, NEEDED), selective: planSelective(view, query) }
}

/** The plan that comes first. */
function choice({ walk, selective }: ListPlan): unknown {
  return selective !== null && selective.costUs < walk.costUs ? selective.source : 'walk'
}

const share = (word: string, each: number) => (index: number) => ({
  name: index % each === 0 ? `plain ${word}` : 'plain'
})

t.test('a walk for a common word, a selective fetch for a rare one', async (t) => {
  t.equal(choice(plan(share('tea', 2), { search: 'tea' })), 'walk')
  t.equal(choice(plan(share('tea', 100), { search: 'tea' })), 'walk')
  t.same(choice(plan(share('tea', 2000), { search: 'tea' })), { terms: [' tea'] })
  t.same(choice(plan(share('coffee', 2), { search: 'tea' })), { terms: [' tea'] })
})

t.test('the larger the catalogue, the rarer a word may be for a walk', async (t) => {
  const rare = share('tea', 1000)
  t.same(choice(plan(rare, { search: 'tea' }, 25)), { terms: [' tea'] })
  t.equal(choice(plan(rare, { search: 'tea' }, 2500)), 'walk')
})

t.test('FULLTEXT is asked for the rarest word only, unless words are rare together', async (t) => {
  const rareAndCommon = (index: number) => ({ name: index % 2000 === 0 ? 'common rare' : 'common' })
  t.same(choice(plan(rareAndCommon, { search: 'common rare' })), { terms: [' rare'] })
  const neverTogether = (index: number) => ({ name: ['black', 'white', 'red', 'blue'][index % 4] ?? '' })
  t.same(plan(neverTogether, { search: 'black white' }, 25).selective?.source, { terms: [' black_ ', ' white'] })
})

t.test('a selective fetch for a narrow price range, a walk for a wide one', async (t) => {
  const spread = (index: number) => ({ name: 'tea', price: `${index % 1000}.00` })
  t.equal(choice(plan(spread, { minPrice: '10', maxPrice: '500' })), 'walk')
  t.equal(choice(plan(spread, { minPrice: '2000', maxPrice: '2001' })), 'prices')
  t.equal(
    plan(spread, { minPrice: '2000', maxPrice: '2001', sortBy: 'price' }).selective,
    null,
    'in a list by price the walk does that'
  )
})

t.test('no walk from the newest products on for a word that only old ones have', async (t) => {
  const old = (index: number) => ({ name: index < SIZE / 100 ? 'fax' : 'plain' })
  t.same(choice(plan(old, { search: 'fax', sortOrder: 'desc' }, 10)), { terms: [' fax'] })
  t.equal(choice(plan(old, { search: 'fax', sortOrder: 'asc' }, 10)), 'walk')
})

t.test('a walk is expected to read as many entries as lie between the matches', async (t) => {
  const { walk } = plan(share('tea', 10), { search: 'tea' })
  t.ok(walk.entries > NEEDED * 5 && walk.entries < NEEDED * 20, String(walk.entries))
  t.equal(walk.candidatesPerMatch, 1)
  const none = plan(share('coffee', 2), { search: 'tea' })
  t.equal(none.walk.entries, SIZE * WEIGHT, 'all of them')
})

t.test('a walk in a category reads its entries only', async (t) => {
  const rare = (index: number) => ({
    name: index % 500 === 0 ? 'rare' : 'plain',
    category: index % 100 === 0 ? 'a' : 'b'
  })
  const { walk } = plan(rare, { search: 'rare', category: ['a'] })
  t.ok(walk.entries <= (SIZE / 100) * WEIGHT)
})

t.test('an empty sample gives a plan', async (t) => {
  const query = parseListQuery({ search: 'tea', minPrice: '1' })
  const view = viewListSample(makeSample([], 64), query, null)
  const [walk, selective] = [planWalk(view, NEEDED), planSelective(view, query)]
  t.ok(walk.costUs > 0 && Number.isFinite(walk.costUs))
  t.ok(selective !== null && selective.costUs > 0 && Number.isFinite(selective.costUs))
})
