import fc from 'fast-check'
import t from 'tap'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { keyedWriter, openDatabase, prepareEffects } from './support/keyed-writer.ts'

const API_KEYS = ['019a8c1e-0000-7000-8000-000000000001', '019a8c1e-0000-7000-8000-000000000002']
const KEYS = ['k', 'K', '"k"']
const BODIES = ['a', 'b']

const config = await testConfig(t)
const connection = await testConnection(t, config)
const effects = await prepareEffects(connection)
const instances = [keyedWriter(openDatabase(t, config)), keyedWriter(openDatabase(t, config))]

interface Stored {
  body: string
  answer: string
  isOld: boolean
}

const step = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'fail', 'age'),
  instance: fc.nat(1),
  apiKeyId: fc.constantFrom(...API_KEYS),
  key: fc.constantFrom(...KEYS),
  body: fc.constantFrom(...BODIES)
})

t.test('any sequence of requests behaves like a map', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await connection.query('DELETE FROM idempotency_keys')
      await connection.query('DELETE FROM effects')
      const stored = new Map<string, Stored>()
      const done: string[] = []
      for (const { kind, instance, ...request } of steps) {
        const { apiKeyId, key, body } = request
        if (kind === 'age') {
          await connection.query('UPDATE idempotency_keys SET created_at = created_at - INTERVAL 24 HOUR')
          for (const entry of stored.values()) entry.isOld = true
          continue
        }
        const also = () => (kind === 'fail' ? Promise.reject(new Error('no')) : Promise.resolve())
        const answer = await instances[instance]?.({ ...request, also })
        const known = stored.get(apiKeyId + key)
        if (known !== undefined && !known.isOld) {
          t.equal(answer, known.body === body ? `replayed ${known.answer}` : 'idempotency-key-reused')
        } else if (kind === 'fail') {
          t.equal(answer, 'Error: no')
        } else {
          t.match(answer, new RegExp(`^${body} `))
          stored.set(apiKeyId + key, { body, answer: String(answer), isOld: false })
          done.push(body)
        }
      }
      t.same(await effects(), done, 'what was answered was done, once')
    }),
    { numRuns: 25 }
  )
})
