import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import t from 'tap'
import { createRateLimitStore } from '../../../src/edge/rate-limit/rate-limit-store.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { virtualInstances } from './support/virtual-instance.ts'

const server = await privateRedis(t)

t.test('@fastify/rate-limit decides as the limiter does, by its keys', async (t) => {
  const { clock, instances } = await virtualInstances(t, server.socketPath, [0])
  const [limiter] = instances
  if (limiter === undefined) throw new Error('no limiter')
  const app = Fastify()
  t.teardown(() => app.close())
  const store = createRateLimitStore(limiter)
  await app.register(rateLimit, { store, max: 3, timeWindow: 10_000 })
  app.get('/read', () => 'read')
  app.post('/write', { config: { rateLimit: { max: 1, keyGenerator: ({ ip }) => `write:${ip}` } } }, () => 'written')
  app.get('/open', { config: { rateLimit: false } }, () => 'open')

  const get = async () => {
    const { statusCode, headers } = await app.inject('/read')
    const { 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset, 'retry-after': retryAfter } = headers
    return [statusCode, remaining, reset, retryAfter]
  }
  t.same(await get(), [200, '2', '10', undefined])
  clock.nowMs = 4000
  t.same(await get(), [200, '1', '6', undefined])
  t.same(await get(), [200, '0', '6', undefined])
  t.same(await get(), [429, '0', '6', '6'])
  clock.nowMs = 4500
  t.same(await get(), [429, '0', '6', '6'], 'rounded up')
  t.match(await app.inject({ method: 'POST', url: '/write' }), { statusCode: 200 })
  t.match(await app.inject({ method: 'POST', url: '/write' }), { statusCode: 429, headers: { 'retry-after': '10' } })
  t.match(await app.inject('/open'), { statusCode: 200 })
  clock.nowMs = 10_500
  t.same(await get(), [200, '0', '4', undefined])
})
