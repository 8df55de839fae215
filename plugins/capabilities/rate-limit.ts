import { randomBytes } from 'node:crypto'
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { createLimiter, type Decision } from '../../src/edge/rate-limit/limiter.ts'
import {
  type Account,
  createAccounts,
  type Quota,
  quotaExceeded,
  type RouteClass
} from '../../src/edge/rate-limit/policies.ts'
import { createRateLimitStore, toDecision } from '../../src/edge/rate-limit/rate-limit-store.ts'

/** The rate limits of clients. */
export interface RateLimiter {
  /** Counts a request for its client, at once where possible. The error is a 429 when it is beyond the limit. */
  take(request: FastifyRequest, routeClass: RouteClass, done: (error?: Error) => void): void
  /** Hook: counts each request, unknown routes included, and refuses those beyond the limit of their client. */
  countRequest: onRequestHookHandler
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The account that @fastify/rate-limit counts for. */
    account: Account | null
    /** The client's quota after this request; null where nothing is counted. */
    quota: Quota | null
  }
  interface FastifyInstance {
    rateLimiter: RateLimiter
  }
}

/** `rateLimiter`: a sliding window for each client and class of routes, as a store of @fastify/rate-limit. */
export default fp(
  async (app) => {
    app.decorateRequest('quota', null).decorateRequest('account', null)
    if (!app.config.rateLimit.isEnabled) {
      app.decorate('rateLimiter', {
        take: (_request, _routeClass, done) => done(),
        countRequest: (_request, _reply, done) => done()
      })
      return
    }
    const nowMs = () => performance.now()
    const guard = app.guardRedis('The rate limiter in Redis')
    const instanceId = randomBytes(9).toString('base64url')
    const limiter = createLimiter({ client: app.redis, guard, nowMs, instanceId })
    const accountsOf = createAccounts({ limit: app.config.rateLimit, normalizeIP })
    const refusals = app.metrics.counter({
      name: 'aisle_rate_limit_refusals_total',
      help: 'Requests refused because their client exceeded its rate limit, by policy (the class of routes).',
      labelNames: ['policy']
    })

    await app.register(rateLimit, { global: false, store: createRateLimitStore(limiter) })
    const check = app.createRateLimit({
      keyGenerator: ({ account }) => account?.client ?? '',
      max: ({ account }) => account?.policy.max ?? 0,
      timeWindow: ({ account }) => account?.policy.windowMs ?? 0
    })

    function settle(request: FastifyRequest, { policy }: Account, decision: Decision, done: (error?: Error) => void) {
      request.quota = { policy, decision }
      if (decision.isAdmitted) return done()
      refusals.inc({ policy: policy.name })
      done(quotaExceeded(request.quota))
    }

    function take(request: FastifyRequest, routeClass: RouteClass, done: (error?: Error) => void): void {
      // A connection that is gone has no address.
      const account = accountsOf(request.apiKey, request.ip ?? '')[routeClass]
      const decision = limiter.decideNow(account.client, account.policy, nowMs())
      if (decision !== undefined) {
        settle(request, account, decision, done)
        return
      }
      request.account = account
      check(request)
        .then((result) => toDecision(result, guard.isDown))
        .then((decision) => settle(request, account, decision, done), done)
    }

    app.decorate('rateLimiter', {
      take,
      countRequest(request, _reply, done) {
        const limits = request.route?.config.limits ?? 'other'
        if (limits === 'exempt') done()
        else take(request, limits, done)
      }
    })
    app.addHook('onClose', () => limiter.close())
  },
  { name: 'rate-limit', dependencies: ['metrics', 'redis'] }
)
