import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { isNotModified, type Preconditions, requirePreconditions } from '../../../src/platform/http/conditional.ts'

const body = Buffer.alloc(0)
const lastModified = 'Mon, 02 Mar 2026 17:05:12 GMT'
const list = { body, etag: 'W/"abc"' }
const product = { body, etag: '"7"', lastModified }

t.test('If-None-Match: one of a list, weak comparison, or any', async (t) => {
  for (const noneMatch of ['W/"abc"', '"abc"', '"x", W/"abc"', 'W/"x",W/"abc","y"', '"x" , "abc"', '*'])
    t.ok(isNotModified({ 'if-none-match': noneMatch }, list), noneMatch)
  for (const noneMatch of ['"7"', 'W/"7"', '"6", "7"', '*'])
    t.ok(isNotModified({ 'if-none-match': noneMatch }, product), noneMatch)
})

t.test('If-None-Match that does not match, or is none', async (t) => {
  const texts = [
    '"abcd"',
    '"ab"',
    '"ABC"',
    'abc',
    'W/abc',
    'w/"abc"',
    '"abc',
    'W/',
    '',
    ' ',
    ',',
    '""',
    '"*"',
    '"x", *'
  ]
  for (const noneMatch of texts) t.notOk(isNotModified({ 'if-none-match': noneMatch }, list), noneMatch)
  fc.assert(
    fc.property(fc.string(), (noneMatch) => {
      return noneMatch.includes('"abc"') || noneMatch === '*' || !isNotModified({ 'if-none-match': noneMatch }, list)
    })
  )
})

t.test('If-Modified-Since counts to the second, where there is no If-None-Match', async (t) => {
  const since = (text: string) => isNotModified({ 'if-modified-since': text }, product)
  t.ok(since(lastModified))
  t.ok(since('Mon, 02 Mar 2026 17:05:13 GMT'))
  t.notOk(since('Mon, 02 Mar 2026 17:05:11 GMT'))
  t.notOk(isNotModified({ 'if-modified-since': lastModified, 'if-none-match': '"6"' }, product))
  t.notOk(isNotModified({ 'if-modified-since': lastModified, 'if-none-match': '' }, product))
  t.ok(isNotModified({ 'if-modified-since': 'Sun, 01 Mar 2026 00:00:00 GMT', 'if-none-match': '"7"' }, product))
  t.notOk(isNotModified({ 'if-modified-since': lastModified }, list), 'a list has no date')
})

t.test('what is no date of HTTP is ignored', async (t) => {
  for (const text of [
    '',
    '0',
    '2030',
    '2030-01-01T00:00:00Z',
    'now',
    'Mon, 32 Mar 2026 17:05:12 GMT',
    `${lastModified}!`
  ])
    t.notOk(isNotModified({ 'if-modified-since': text }, product), text)
})

t.test('a client that says no-cache gets the whole answer', async (t) => {
  for (const cacheControl of ['no-cache', 'max-age=0, no-cache'])
    t.notOk(isNotModified({ 'if-none-match': '*', 'cache-control': cacheControl }, list))
  t.ok(isNotModified({ 'if-none-match': '*', 'cache-control': 'max-age=0' }, list), 'max-age=0 asks to be told')
})

t.test('a request without conditions is none', async (t) => {
  t.notOk(isNotModified({}, list))
  t.notOk(isNotModified({ 'cache-control': 'max-age=0' }, product))
})

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
