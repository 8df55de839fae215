import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { hashKey } from '../../../src/edge/auth/key-format.ts'
import type { FoundKey } from '../../../src/edge/auth/verify-keys.ts'
import { createKeyVerifier } from '../../../src/edge/auth/verify-keys.ts'
import { unknownKey } from '../../support/make-key.ts'

const KEYS = [unknownKey(), unknownKey(), unknownKey()]
const HASHES = KEYS.map(hashKey)
const PROMISED_MS = 1000

/** A statement under way: it sees the database when it is run, and its answer comes later, or never. */
interface Statement {
  run(): void
  answer(): void
  fail(): void
}

type Step =
  | { do: 'verify'; key: number }
  | { do: 'change'; key: number }
  | { do: 'run' | 'answer' | 'fail'; statement: number }
  | { do: 'wait'; ms: number }

const key = fc.nat(KEYS.length - 1)
const statement = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('verify' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), statement }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), statement }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), statement }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(400) }) }
)

/** A database with keys that come (the last one) and go (the others), and a verifier whose statements take their time. */
function simulate() {
  const clock = { ms: 0 }
  const isValid = KEYS.map((_key, index) => index < KEYS.length - 1)
  const changedAtMs: (number | null)[] = KEYS.map(() => null)
  let revision = 0
  const statements: Statement[] = []

  function issue<Result>(read: () => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    let result: { value: Result } | undefined
    const run = () => {
      result ??= { value: read() }
    }
    const answer = () => {
      run()
      if (result) resolve(result.value)
    }
    statements.push({ run, answer, fail: () => reject(new Error('lost')) })
    return promise
  }

  const verifier = createKeyVerifier({
    find: (hash) =>
      issue((): FoundKey => {
        const index = HASHES.indexOf(hash)
        return {
          revision,
          key: isValid[index] ? { id: String(index), name: '', scopes: new Set(), limit: null } : null
        }
      }),
    readRevision: () => issue(() => revision),
    nowMs: () => clock.ms,
    onFailure: () => {},
    onSuccess: () => {}
  })

  function take(step: Step): void {
    if (step.do === 'wait') {
      clock.ms += step.ms
      mock.timers.tick(step.ms)
    } else if (step.do === 'verify') {
      verifier.verify(KEYS[step.key] ?? '').catch(() => {})
    } else if (step.do === 'change') {
      if (changedAtMs[step.key] !== null) return
      changedAtMs[step.key] = clock.ms
      isValid[step.key] = !isValid[step.key]
      revision++
    } else {
      const at = step.statement % Math.max(1, statements.length)
      statements[at]?.[step.do]()
      if (step.do !== 'run') statements.splice(at, 1)
    }
  }

  /** What the verifier says although it has been otherwise for a second. */
  function findOutdated(): number[] {
    return KEYS.flatMap((key, index) => {
      const known = verifier.cached(key)
      const changedAt = changedAtMs[index] ?? clock.ms
      const isWrong = known !== undefined && (known !== null) !== isValid[index]
      return isWrong && clock.ms - changedAt >= PROMISED_MS ? [index] : []
    })
  }

  return { verifier, take, findOutdated }
}

t.test('however statements overlap, fail or come late, no result is older than a second', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let answers = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const { verifier, take, findOutdated } = simulate()
      for (const step of steps) {
        take(step)
        await nextTurn()
        if (KEYS.some((key) => verifier.cached(key) !== undefined)) answers++
        const outdated = findOutdated()
        if (outdated.length > 0) throw new Error(`outdated: ${outdated}`)
      }
      verifier.stop()
    }),
    { numRuns: 500 }
  )
  t.ok(answers > 1000, 'and it says much')
})
