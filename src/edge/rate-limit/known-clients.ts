import type { ClientState } from './client-state.ts'

/** The clients that an instance knows, so many at most. */
export interface KnownClients {
  get(client: string): ClientState | undefined
  /** Takes a client in, in place of what was known of it. */
  set(state: ClientState, nowMs: number): void
  values(): IterableIterator<ClientState>
  readonly count: number
}

/** How many are looked at for each that comes, so that those that have expired do not pile up. */
const SCANNED_PER_INSERT = 2

/**
 * Forgets clients of whom there is nothing left to know, and when there is no room those that did not come for long, by
 * CLOCK (Corbató 1968), but none that waits. A forgotten client loses what it had used only for times without Redis.
 */
export function createKnownClients(maxClients: number): KnownClients {
  const byClient = new Map<string, ClientState>()
  let hand = byClient.values()

  /** An iterator that goes on: a new one would have to pass all places from which clients have gone. */
  function turn(): ClientState | undefined {
    const step = hand.next()
    if (!step.done) return step.value
    hand = byClient.values()
    return hand.next().value
  }

  function evict(nowMs: number) {
    for (let turns = 0; turns < SCANNED_PER_INSERT; turns++) {
      const state = turn()
      if (state?.asking === undefined && state !== undefined && nowMs >= state.expiresAtMs)
        byClient.delete(state.client)
    }
    // Once round to take the marks away, once to find one without.
    for (let turns = 2 * byClient.size; byClient.size > maxClients && turns > 0; turns--) {
      const state = turn()
      if (state === undefined || state.asking !== undefined) continue
      if (state.isVisited) state.isVisited = false
      else byClient.delete(state.client)
    }
  }

  return {
    get: (client) => byClient.get(client),
    set(state, nowMs) {
      byClient.set(state.client, state)
      evict(nowMs)
    },
    values: () => byClient.values(),
    get count() {
      return byClient.size
    }
  }
}
