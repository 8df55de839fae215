import fc from 'fast-check'
import t from 'tap'
import { createClientState } from '../../../src/edge/rate-limit/client-state.ts'
import { createKnownClients } from '../../../src/edge/rate-limit/known-clients.ts'

const limit = { max: 10, windowMs: 1000 }

function known(client: string, changes: { expiresAtMs?: number; isVisited?: boolean; asking?: Promise<void> } = {}) {
  return Object.assign(createClientState(client, limit), changes)
}

t.test('there are never more than the bound, and none goes who waits', async () => {
  const step = fc.record({ client: fc.nat(30), isAsking: fc.boolean(), wait: fc.nat(500) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clients = createKnownClients(8)
      const asking = new Set<string>()
      let nowMs = 0
      for (const { client, isAsking, wait } of steps) {
        nowMs += wait
        const name = `${client}`
        const state = known(name, { expiresAtMs: nowMs + 1000 })
        if (isAsking && asking.size < 4) {
          state.asking = Promise.resolve()
          asking.add(name)
        } else asking.delete(name)
        clients.set(state, nowMs)
        if (clients.count > 8) throw new Error(`${clients.count} clients`)
        for (const name of asking) if (clients.get(name) === undefined) throw new Error(`${name} was forgotten`)
      }
    })
  )
})

t.test('clients who are over go as others come', async (t) => {
  const clients = createKnownClients(1000)
  for (let number = 0; number < 500; number++) clients.set(known(`old ${number}`, { expiresAtMs: 1000 }), 0)
  t.equal(clients.count, 500)
  for (let number = 0; number < 500; number++) clients.set(known(`new ${number}`, { expiresAtMs: 9000 }), 1000)
  t.equal(clients.count, 500)
  t.equal(clients.get('old 0'), undefined)
})

t.test('without room those go first who have not come back', async (t) => {
  const clients = createKnownClients(4)
  for (const name of ['a', 'b', 'c', 'd', 'e']) clients.set(known(name), 0)
  t.equal(clients.count, 4)
  const left = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => clients.get(name) ?? [])
  for (const state of left) state.isVisited = state.client !== 'c'
  clients.set(known('f'), 0)
  t.equal(clients.get('c'), undefined)
})
