import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type Preconditions, requirePreconditions } from '../../../src/platform/http/preconditions.ts'

function holds(conditions: Preconditions, etag: string | null): boolean {
  try {
    requirePreconditions(conditions, etag)
    return true
  } catch (error) {
    assert.match(String(error), /AppError/)
    return false
  }
}

t.test('without conditions anything may be written', async (t) => {
  t.ok(holds({}, '"1"'))
  t.ok(holds({}, null))
})

t.test('lists are read as the header is defined', async (t) => {
  for (const list of ['"1"', ' "1" ', '"0","1"', '"0" , "1"', ', "1",', 'W/"0", "1"', '"a,b", "1"', '*', ' * '])
    t.ok(holds({ 'if-match': list }, '"1"'), list)
  for (const list of ['1', '"1', '"1" "0"', '"0, \\"1\\""', 'w/"1"', '', ',', '*, "1"', '"*"', '"0","1",x', '"1";'])
    t.notOk(holds({ 'if-match': list }, '"1"'), list)
})

t.test('a condition that cannot be read never holds', async () => {
  const isReadable = (field: string) => field.trim() === '*' || /^[\s,]*(W\/)?"/.test(field)
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('"1"', null), (field, etag) => {
      if (isReadable(field)) return
      assert.ok(!holds({ 'if-match': field }, etag))
      assert.ok(!holds({ 'if-none-match': field }, etag))
    })
  )
})

const tag = fc
  .tuple(fc.boolean(), fc.constantFrom('', '1', '2', 'a,b', '*', 'W/'))
  .map(([isWeak, opaque]) => ({ isWeak, opaque }))
const condition = fc.oneof(fc.constant('*' as const), fc.array(tag, { minLength: 1, maxLength: 4 }))

/** As RFC 9110, 13.1.1 and 13.1.2 say it. */
function model(match: Tags | undefined, noneMatch: Tags | undefined, opaque: string | null): boolean {
  if (match !== undefined) {
    if (opaque === null) return false
    if (match !== '*' && !match.some((each) => !each.isWeak && each.opaque === opaque)) return false
  }
  if (noneMatch === undefined) return true
  return noneMatch === '*' ? opaque === null : !noneMatch.some((each) => each.opaque === opaque)
}

type Tags = '*' | { isWeak: boolean; opaque: string }[]

function write(tags: Tags): string {
  return tags === '*' ? '*' : tags.map(({ isWeak, opaque }) => `${isWeak ? 'W/' : ''}"${opaque}"`).join(', ')
}

t.test('both conditions are as in the model', async () => {
  const maybe = fc.option(condition, { nil: undefined })
  fc.assert(
    fc.property(maybe, maybe, fc.option(fc.constantFrom('', '1', 'a,b', '*')), (match, noneMatch, opaque) => {
      const conditions = {
        'if-match': match && write(match),
        'if-none-match': noneMatch && write(noneMatch)
      }
      const etag = opaque === null ? null : `"${opaque}"`
      assert.equal(holds(conditions, etag), model(match, noneMatch, opaque), JSON.stringify(conditions))
    }),
    { numRuns: 1000 }
  )
})
