import type { Decision, Limit } from './limiter.ts'
import { createLocalWindow, type LocalWindow } from './local-window.ts'
import { type Grant, leaseMsOf, type PermitLease } from './shared-window.ts'

/** What an instance knows of a client, under one limit. Times are those of the clock of the instance. */
export interface ClientState {
  readonly client: string
  readonly limit: Limit
  readonly leaseMs: number
  /** The lease under which permits are held, with how many there were. Without one: 0. */
  leaseId: string
  advance: number
  /** Permits that are held and not used. They may be used until the end of the lease. */
  held: number
  /** Also where nothing was granted in advance: when a lease would have ended. */
  leaseEndMs: number
  /** What was granted to requests that waited, with that lease. */
  granted: number
  /** How many permits the client seems to need in a lease. */
  wanted: number
  /** What Redis had free, beside what is held. */
  free: number
  resetAtMs: number
  /** Until then nothing can be had, and Redis is not asked. */
  blockedUntilMs: number
  /** Requests that wait for a decision. */
  readonly waiting: ((decision: Decision) => void)[]
  /** Redis is being asked. */
  asking: Promise<void> | undefined
  readonly local: LocalWindow
  /** Until then what was decided without Redis counts. */
  aloneUntilMs: number
  /** From then on there is nothing left to remember. */
  expiresAtMs: number
  /** Asked for since somebody last looked for a client to forget. */
  isVisited: boolean
}

const NEVER = Number.NEGATIVE_INFINITY

/** @param known what is known of the client under another limit */
export function createClientState(client: string, limit: Limit, known?: ClientState): ClientState {
  return {
    client,
    limit,
    leaseMs: leaseMsOf(limit),
    leaseId: '',
    advance: 0,
    held: 0,
    leaseEndMs: NEVER,
    granted: 0,
    wanted: 0,
    free: 0,
    resetAtMs: 0,
    blockedUntilMs: NEVER,
    waiting: [],
    asking: undefined,
    local: known?.local ?? createLocalWindow(),
    aloneUntilMs: known?.aloneUntilMs ?? NEVER,
    expiresAtMs: Number.POSITIVE_INFINITY,
    isVisited: true
  }
}

interface NewLease extends Grant {
  leaseId: string
  sentMs: number
  nowMs: number
  /** How many permits could be made use of, if not any number. */
  room: number
}

/**
 * Takes in what was granted. All that must not be too late is measured from before Redis was asked, all that must not be
 * too early from its answer.
 */
export function beginLease(state: ClientState, lease: NewLease): void {
  const { granted, advance, free, sentMs, nowMs } = lease
  const { local, limit, leaseMs } = state
  local.count(granted, nowMs, limit)
  const room = lease.room - granted - advance
  const freesInMs = Math.max(lease.freesInMs, room === 0 ? local.freesInMs(nowMs, limit) : 0)
  state.free = Math.min(free, room)
  state.resetAtMs = nowMs + freesInMs
  // The answer of Redis was rounded up to a millisecond.
  state.blockedUntilMs = state.free === 0 ? sentMs + Math.min(freesInMs - 1, leaseMs) : NEVER
  state.granted = granted
  state.advance = advance
  state.held = advance
  state.leaseId = lease.leaseId
  if (granted + advance > 0) state.leaseEndMs = sentMs + leaseMs
}

/**
 * Ends the lease: what is left of it is not used any more. How much the client will need in the next one is learned as
 * in TCP: twice as much as long as it was used up before its end, then what was used.
 */
export function endLease(state: ClientState, nowMs: number): PermitLease | undefined {
  const { leaseId, advance, held, leaseEndMs, leaseMs } = state
  const used = advance - held
  state.local.count(used, nowMs, state.limit)
  if (nowMs < leaseEndMs) state.wanted = 2 * (state.granted + used)
  else if (nowMs >= leaseEndMs + leaseMs) state.wanted = 0
  else if (advance > 0) state.wanted = used
  state.advance = 0
  state.held = 0
  return advance > 0 ? { id: leaseId, permits: advance, unused: held } : undefined
}
