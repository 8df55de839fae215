import type { IncomingHttpHeaders } from 'node:http'
import t from 'tap'
import { readPresentedKey } from '../../../src/edge/auth/access.ts'
import { unknownKey } from '../../support/make-key.ts'

const KEY = unknownKey()
const OTHER = unknownKey()

t.test('a key comes in one header, or the same key in both', async (t) => {
  const all: IncomingHttpHeaders[] = [
    { 'x-api-key': KEY },
    { authorization: `Bearer ${KEY}` },
    { authorization: `bearer   ${KEY}` },
    { 'x-api-key': KEY, authorization: `BEARER ${KEY}` }
  ]
  for (const headers of all) t.same(readPresentedKey(headers), { key: KEY, refusal: null })
})

t.test('without either header there is no key', async (t) => {
  t.same(readPresentedKey({ cookie: KEY }), { key: null, refusal: null })
})

t.test('anything else is refused', async (t) => {
  const all: [string, IncomingHttpHeaders][] = [
    ['malformed', { 'x-api-key': '' }],
    ['malformed', { 'x-api-key': KEY.slice(1) }],
    ['malformed', { 'x-api-key': `${KEY}, ${KEY}` }],
    ['malformed', { 'x-api-key': `Bearer ${KEY}` }],
    ['malformed', { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln' }],
    ['scheme', { authorization: '' }],
    ['scheme', { authorization: KEY }],
    ['scheme', { authorization: 'Bearer' }],
    ['scheme', { authorization: 'Bearer ' }],
    ['scheme', { authorization: `Bearer${KEY}` }],
    ['scheme', { authorization: `Bearer ${KEY} ${KEY}` }],
    ['scheme', { authorization: 'Basic YWxhZGRpbjpzZXNhbWU=' }],
    ['scheme', { authorization: 'Basic YWxhZGRpbjpzZXNhbWU=', 'x-api-key': KEY }],
    ['conflict', { 'x-api-key': KEY, authorization: `Bearer ${OTHER}` }],
    ['conflict', { 'x-api-key': '', authorization: `Bearer ${KEY}` }]
  ]
  for (const [reason, headers] of all)
    t.same(readPresentedKey(headers), { key: null, refusal: reason }, JSON.stringify(headers))
})
