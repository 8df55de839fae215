import type { Redis } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import { beginLease, type ClientState, createClientState, endLease } from './client-state.ts'
import { createKnownClients } from './known-clients.ts'
import type { Decision, Limit, Limiter } from './limiter.ts'
import { createSharedWindow } from './shared-window.ts'

interface LimiterOptions {
  client: Redis
  guard: RedisGuard
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** Names the leases of this instance: no other one may have it, nor this one after a restart. */
  instanceId: string
  maxClients?: number
}

const MAX_CLIENTS = 50_000
/** Of its window, after which a client is over: all that counts a little longer than that has gone too. */
const EXPIRES_AFTER_WINDOWS = 1.1
/** Leases that end soon after one another are given back together. */
const MIN_SWEEP_MS = 10

/**
 * Never more than `max` requests of a client in any window, across all instances: `shared-window.ts` says why, and by how
 * little somebody may be refused too early. While Redis does not answer, each instance holds the same limit by itself.
 *
 * There is one command at a time for each client; the next one asks for all requests that came meanwhile.
 */
export function createSlidingWindowLimiter(options: LimiterOptions): Limiter {
  const { client: redis, guard, nowMs, instanceId, maxClients = MAX_CLIENTS } = options
  const shared = createSharedWindow({ client: redis, guard })
  const clients = createKnownClients(maxClients)
  /** Clients with a lease that may have a rest, roughly in the order in which it ends. */
  const leased = new Set<ClientState>()
  let leases = 0
  let sweeping: NodeJS.Timeout | undefined
  let isClosed = false

  function takeHeld(client: string, limit: Limit, now: number): Decision | undefined {
    const state = clients.get(client)
    return state !== undefined && isUnder(state, limit) ? decideAtOnce(state, now) : undefined
  }

  function take(client: string, limit: Limit): Promise<Decision> {
    const now = nowMs()
    const state = stateOf(client, limit, now)
    const decision = decideAtOnce(state, now)
    if (decision !== undefined) return Promise.resolve(decision)
    return new Promise((resolve) => {
      state.waiting.push(resolve)
      ask(state)
    })
  }

  function stateOf(client: string, limit: Limit, now: number): ClientState {
    const known = clients.get(client)
    if (known !== undefined && isUnder(known, limit)) return known
    if (known !== undefined && known.held > 0) ask(known)
    const state = createClientState(client, limit, known)
    clients.set(state, now)
    return state
  }

  function ask(state: ClientState): void {
    state.asking ??= askUntilDecided(state)
  }

  async function askUntilDecided(state: ClientState): Promise<void> {
    const { client, limit, leaseMs } = state
    do {
      const sentMs = nowMs()
      const asked = state.waiting.length
      leased.delete(state)
      const previousLease = endLease(state, sentMs)
      const room = roomOf(state, sentMs)
      const waiting = Math.min(asked, room)
      const wanted = asked === 0 || isClosed ? 0 : Math.min(state.wanted, room - waiting)
      const leaseId = `${instanceId}.${leases++}`
      state.isVisited = true
      state.expiresAtMs = sentMs + EXPIRES_AFTER_WINDOWS * limit.windowMs

      const grant = await shared.take({ client, limit, leaseMs, waiting, wanted, leaseId, previousLease })

      const now = nowMs()
      if (grant === undefined) {
        for (const resolve of state.waiting.splice(0)) resolve(decideAlone(state, now))
        break
      }
      beginLease(state, { ...grant, leaseId, sentMs, nowMs: now, room })
      if (state.held > 0) leased.add(state)
      scheduleSweep(now)
      for (const [place, resolve] of state.waiting.splice(0, asked).entries()) {
        const others = grant.granted - 1 - place
        resolve(others >= 0 ? admit(state, now, others) : refuse(state, now))
      }
      decideWaiting(state, now)
    } while (state.waiting.length > 0)
    state.asking = undefined
  }

  /** Those who came while Redis was asked, as far as what it has answered goes. */
  function decideWaiting(state: ClientState, now: number): void {
    while (state.waiting.length > 0) {
      const decision = decideAtOnce(state, now)
      if (decision === undefined) return
      state.waiting.shift()?.(decision)
    }
  }

  function scheduleSweep(now: number): void {
    const [next] = leased
    if (next === undefined || sweeping !== undefined || isClosed) return
    const run = () => {
      sweeping = undefined
      sweep()
      scheduleSweep(nowMs())
    }
    sweeping = setTimeout(run, Math.max(MIN_SWEEP_MS, Math.ceil(next.leaseEndMs - now))).unref()
  }

  async function sweep(): Promise<void> {
    const now = nowMs()
    const ended: ClientState[] = []
    for (const state of leased) {
      if (now < state.leaseEndMs) break
      ended.push(state)
    }
    await giveBack(ended)
  }

  async function giveBack(states: ClientState[]): Promise<void> {
    for (const state of states) {
      leased.delete(state)
      if (state.held > 0) ask(state)
    }
    await Promise.all(states.map(({ asking }) => asking))
  }

  async function close(): Promise<void> {
    isClosed = true
    clearTimeout(sweeping)
    await Promise.all([...clients.values()].map(({ asking }) => asking))
    await giveBack([...leased])
  }

  return { takeHeld, take, sweep, close }
}

function isUnder({ limit: { max, windowMs } }: ClientState, limit: Limit): boolean {
  return max === limit.max && windowMs === limit.windowMs
}

/** With what Redis has granted, or known to have nothing; undefined where it has to be asked. */
function decideAtOnce(state: ClientState, now: number): Decision | undefined {
  if (state.held > 0 && now < state.leaseEndMs) {
    state.held--
    return admit(state, now, 0)
  }
  return now < state.blockedUntilMs ? refuse(state, now) : undefined
}

/** @param others how many more are admitted at the same time, after this one */
function admit({ free, held, resetAtMs }: ClientState, now: number, others: number): Decision {
  return { isAdmitted: true, remaining: free + held + others, resetMs: Math.max(0, resetAtMs - now), isDegraded: false }
}

function refuse({ resetAtMs }: ClientState, now: number): Decision {
  return { isAdmitted: false, remaining: 0, resetMs: Math.max(0, resetAtMs - now), isDegraded: false }
}

function decideAlone(state: ClientState, now: number): Decision {
  const { local, limit } = state
  const isAdmitted = local.room(now, limit) > 0
  if (isAdmitted) {
    local.count(1, now, limit)
    state.aloneUntilMs = now + limit.windowMs
  }
  return { isAdmitted, remaining: local.room(now, limit), resetMs: local.freesInMs(now, limit), isDegraded: true }
}

/**
 * How many more this instance may admit, whatever Redis has: it does not know what was decided without it. Else what
 * Redis has is what counts.
 */
function roomOf({ local, limit, aloneUntilMs }: ClientState, now: number): number {
  return now < aloneUntilMs ? local.room(now, limit) : Number.POSITIVE_INFINITY
}
