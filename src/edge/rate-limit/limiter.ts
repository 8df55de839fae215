import type { Redis } from 'ioredis'
import { createOldestKeyFinder } from '../../platform/lib/bounded-map.ts'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import { createLocalWindow, type LocalWindow } from './local-window.ts'
import { createRedisWindow, type Grant, leaseMsOf, type PermitLease } from './redis-window.ts'

/** A rate limit: at most `max` requests in any `windowMs`. Both are positive integers. */
export interface Limit {
  readonly max: number
  readonly windowMs: number
}

/** Whether a request is admitted; if not, it gets a 429. */
export interface Decision {
  readonly isAdmitted: boolean
  /** How many more requests would be admitted now, as Redis knew at most one lease ago. */
  readonly remaining: number
  /** Until more are admitted than now. A refused client that waits this long, and sends nothing else, is admitted. */
  readonly resetMs: number
  /** This instance decided alone, because Redis did not answer. `remaining` counts what it would still admit alone. */
  readonly isDegraded: boolean
}

/** Counts requests by client, and decides which are admitted. The limit of a client may change with each request. */
export interface Limiter {
  /**
   * Decides without waiting, from what this instance knows.
   * @param nowMs the time on the limiter's clock
   * @returns undefined if Redis has to be asked: call `decide`
   */
  decideNow(client: string, limit: Limit, nowMs: number): Decision | undefined
  /** Decides, asking Redis if necessary: within two of the guard's budgets. Never rejects. */
  decide(client: string, limit: Limit): Promise<Decision>
  /** Gives back the unused permits of leases that have ended. The limiter does this itself, soon after they end. */
  returnEndedLeases(): Promise<void>
  /** Gives back all unused permits, and takes none in advance from now on. */
  close(): Promise<void>
}

/** What an instance knows of a client under one limit. Times are those of the limiter's clock. */
interface ClientState {
  readonly client: string
  readonly limit: Limit
  readonly leaseMs: number
  /** The current lease: its name, how many permits it was granted, and how many of them are unused. */
  leaseId: string
  leased: number
  unused: number
  /** Whether permits of the last lease were used. */
  isLeaseUsed: boolean
  /** The end of the lease; after a grant without a lease, the time when one would have ended. */
  leaseEndMs: number
  /** What Redis had free, beside the unused permits of the lease. */
  free: number
  resetAtMs: number
  /** Until then all requests are refused without asking Redis. */
  blockedUntilMs: number
  /** Requests that wait for a decision. */
  readonly waiting: ((decision: Decision) => void)[]
  /** Settles when Redis has answered for all requests that wait. */
  asking: Promise<void> | undefined
  readonly local: LocalWindow
  /** Until then, admissions that Redis does not know of count. */
  aloneUntilMs: number
}

interface LimiterOptions {
  client: Redis
  guard: RedisGuard
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** Names the leases of this instance. It must be unique, also across restarts. */
  instanceId: string
  /** How many clients are remembered. */
  maxClients?: number
}

const MAX_CLIENTS = 50_000
/** Leases that end within this time are given back together. */
const MIN_RETURN_DELAY_MS = 10
const NEVER = Number.NEGATIVE_INFINITY

/**
 * Creates the rate limiter: never more than `max` requests of a client in any window, across all instances.
 * `redis-window.ts` proves that, and states by how little a client may be refused too early. While Redis does not answer,
 * each instance enforces the same limit alone.
 *
 * Each client has at most one command under way; the next one asks for all requests that arrived meanwhile. A client gets
 * permits in advance when it comes again within a lease, and again as long as it uses them.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { client: redis, guard, nowMs, instanceId, maxClients = MAX_CLIENTS } = options
  const redisWindow = createRedisWindow({ client: redis, guard })
  const clients = new Map<string, ClientState>()
  const oldestClient = createOldestKeyFinder(clients)
  /** Clients whose lease may have unused permits, roughly in the order in which the leases end. */
  const leasing = new Set<ClientState>()
  let leases = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function decideNow(client: string, limit: Limit, now: number): Decision | undefined {
    const state = clients.get(client)
    return state !== undefined && isUnder(state, limit) ? decideFrom(state, now) : undefined
  }

  function decide(client: string, limit: Limit): Promise<Decision> {
    const state = stateOf(client, limit)
    const decision = decideFrom(state, nowMs())
    if (decision !== undefined) return Promise.resolve(decision)
    return new Promise((resolve) => {
      state.waiting.push(resolve)
      state.asking ??= askRedis(state)
    })
  }

  function stateOf(client: string, limit: Limit): ClientState {
    const known = clients.get(client)
    if (known !== undefined && isUnder(known, limit)) return known
    if (known !== undefined && known.unused > 0) known.asking ??= askRedis(known)
    const state = createClientState(client, limit, known)
    if (known === undefined) makeRoom()
    clients.set(client, state)
    return state
  }

  /**
   * Forgets the clients for which Redis was asked longest ago, but none that waits. They lose only their permits in advance,
   * and what they have used while Redis was away.
   */
  function makeRoom(): void {
    for (let turns = clients.size; clients.size >= maxClients && turns > 0; turns--) {
      const oldest = oldestClient() as string
      const state = clients.get(oldest)
      clients.delete(oldest)
      if (state?.asking !== undefined) clients.set(oldest, state)
    }
  }

  async function askRedis(state: ClientState): Promise<void> {
    const { client, limit, leaseMs } = state
    do {
      const sentMs = nowMs()
      const asked = state.waiting.length
      leasing.delete(state)
      const previousLease = endLease(state, sentMs)
      const room = roomOf(state, sentMs)
      const waiting = Math.min(asked, room)
      const isBusy = sentMs < state.leaseEndMs + (state.isLeaseUsed ? leaseMs : 0)
      const wanted = isBusy && asked > 0 && !isClosed ? Math.min(limit.max, room - waiting) : 0
      const leaseId = `${instanceId}.${leases++}`
      // To the end, behind the clients for which Redis was asked earlier.
      if (clients.get(client) === state && clients.delete(client)) clients.set(client, state)

      const grant = await redisWindow.take({ client, limit, leaseMs, waiting, wanted, leaseId, previousLease })

      const now = nowMs()
      if (grant === undefined) {
        for (const resolve of state.waiting.splice(0)) resolve(decideAlone(state, now))
        break
      }
      beginLease(state, { ...grant, leaseId, sentMs, nowMs: now, room })
      if (state.unused > 0) leasing.add(state)
      scheduleReturn(now)
      for (const [place, resolve] of state.waiting.splice(0, asked).entries()) {
        const others = grant.granted - 1 - place
        resolve(others >= 0 ? admit(state, now, others) : refuse(state, now))
      }
      decideWaiting(state, now)
    } while (state.waiting.length > 0)
    state.asking = undefined
  }

  /** Decides for requests that arrived while Redis was asked, as far as the answer allows. */
  function decideWaiting(state: ClientState, now: number): void {
    while (state.waiting.length > 0) {
      const decision = decideFrom(state, now)
      if (decision === undefined) return
      state.waiting.shift()?.(decision)
    }
  }

  function scheduleReturn(now: number): void {
    const [next] = leasing
    if (next === undefined || timer !== undefined || isClosed) return
    const delayMs = Math.max(MIN_RETURN_DELAY_MS, Math.ceil(next.leaseEndMs - now))
    timer = setTimeout(() => {
      timer = undefined
      returnLeases(nowMs())
      scheduleReturn(nowMs())
    }, delayMs).unref()
  }

  async function returnLeases(endedByMs: number): Promise<void> {
    const returned: ClientState['asking'][] = []
    for (const state of leasing) {
      if (endedByMs < state.leaseEndMs) break
      leasing.delete(state)
      if (state.unused > 0) state.asking ??= askRedis(state)
      returned.push(state.asking)
    }
    await Promise.all(returned)
  }

  async function close(): Promise<void> {
    isClosed = true
    clearTimeout(timer)
    await Promise.all([...clients.values()].map(({ asking }) => asking))
    await returnLeases(Number.POSITIVE_INFINITY)
  }

  return { decideNow, decide, returnEndedLeases: () => returnLeases(nowMs()), close }
}

/** @param known what is known of the client under another limit */
function createClientState(client: string, limit: Limit, known?: ClientState): ClientState {
  return {
    ...{ client, limit, leaseMs: leaseMsOf(limit) },
    ...{ leaseId: '', leased: 0, unused: 0, isLeaseUsed: false, leaseEndMs: NEVER },
    ...{ free: 0, resetAtMs: 0, blockedUntilMs: NEVER },
    ...{ waiting: [], asking: undefined },
    ...{ local: known?.local ?? createLocalWindow(), aloneUntilMs: known?.aloneUntilMs ?? NEVER }
  }
}

function isUnder({ limit: { max, windowMs } }: ClientState, limit: Limit): boolean {
  return max === limit.max && windowMs === limit.windowMs
}

/**
 * Records a grant. Deadlines that must not be late count from before Redis was asked; those that must not be early count
 * from its answer. `room` is how many permits this instance may use, whatever Redis has free.
 */
function beginLease(
  state: ClientState,
  grant: Grant & { leaseId: string; sentMs: number; nowMs: number; room: number }
): void {
  const { granted, advance, free, sentMs, nowMs } = grant
  const { local, limit, leaseMs } = state
  local.count(granted, nowMs, limit)
  const room = grant.room - granted - advance
  const freesInMs = Math.max(grant.freesInMs, room === 0 ? local.freesInMs(nowMs, limit) : 0)
  state.free = Math.min(free, room)
  state.resetAtMs = nowMs + freesInMs
  // Redis has rounded its answer up to a millisecond.
  state.blockedUntilMs = state.free === 0 ? sentMs + Math.min(freesInMs - 1, leaseMs) : NEVER
  state.leased = advance
  state.unused = advance
  state.leaseId = grant.leaseId
  if (granted + advance > 0) state.leaseEndMs = sentMs + leaseMs
}

/** Ends the lease: its unused permits are not used any more. */
function endLease(state: ClientState, nowMs: number): PermitLease | undefined {
  const { leaseId, leased, unused, local, limit } = state
  local.count(leased - unused, nowMs, limit)
  if (leased > 0) state.isLeaseUsed = unused < leased
  state.leased = 0
  state.unused = 0
  return leased > 0 ? { id: leaseId, permits: leased, unused } : undefined
}

/** Decides with a permit of the lease, or because Redis had nothing free; undefined if Redis has to be asked. */
function decideFrom(state: ClientState, now: number): Decision | undefined {
  if (state.unused > 0 && now < state.leaseEndMs) {
    state.unused--
    return admit(state, now, 0)
  }
  return now < state.blockedUntilMs ? refuse(state, now) : undefined
}

/** @param others how many more requests are admitted together with this one, after it */
function admit({ free, unused, resetAtMs }: ClientState, now: number, others: number): Decision {
  const remaining = free + unused + others
  return { isAdmitted: true, remaining, resetMs: Math.max(0, resetAtMs - now), isDegraded: false }
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
 * Counts how many more requests this instance may admit, whatever Redis has free. Redis does not know of recent admissions
 * without it; if there are none, only Redis counts.
 */
function roomOf({ local, limit, aloneUntilMs }: ClientState, now: number): number {
  return now < aloneUntilMs ? local.room(now, limit) : Number.POSITIVE_INFINITY
}
