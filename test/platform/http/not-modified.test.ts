import fc from 'fast-check'
import t from 'tap'
import { isNotModified } from '../../../src/platform/http/not-modified.ts'

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
