import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { OAuthCredentials } from '../../../../src/config/oauth-credentials.ts'
import {
  type Supplier,
  type SupplierOptions,
  startSupplier
} from '../../../../tools/supplier-simulator/start-supplier.ts'
import { type Answer, body } from '../../../support/scripted-upstream.ts'
import { type Instance, type InstanceOptions, startInstance } from './instance.ts'

type Overrides = Partial<Omit<InstanceOptions, 'credentials'>> & { credentials?: Partial<OAuthCredentials> }

export interface TokenSetup {
  readonly supplier: Supplier
  /** How many requests for tokens the supplier has seen. */
  readonly tokenRequests: number
  /** The clock of the instances and of the supplier, which can be put forward; Redis has its own. */
  readonly clock: { nowMs(): number; advance(ms: number): void }
  instance(overrides?: Overrides): Promise<Instance>
  instances(count: number, overrides?: Overrides): Promise<Instance[]>
  /** An instance in a process of its own. */
  process(overrides?: Overrides): Promise<ChildProcess>
}

const PROCESS = join(import.meta.dirname, 'token-process.ts')

/** What a provider answers that issues this token, for an hour. */
export function issued(token: string): Answer {
  return body(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }))
}

/** A supplier, and instances that share a Redis. All of it ends with the test. */
export async function tokenSetup(t: Test, options: SupplierOptions = {}): Promise<TokenSetup> {
  let aheadMs = 0
  const clock = {
    nowMs: () => performance.now() + aheadMs,
    advance(ms: number) {
      aheadMs += ms
    }
  }
  const supplier = await startSupplier({ products: 50, nowMs: clock.nowMs, ...options })
  t.teardown(() => supplier.close())
  const { tokenUrl, clientId, clientSecret } = supplier
  const credentials: OAuthCredentials = {
    ...{ tokenUrl, clientId, clientSecret, clientAuth: 'basic' },
    ...{ scope: undefined, audience: undefined }
  }
  const redisUrl = process.env.TEST_REDIS_URL ?? ''
  const keyPrefix = `aisle_test_${randomBytes(6).toString('hex')}:`
  const optionsOf = (overrides: Overrides): InstanceOptions => ({
    ...{ redisUrl, keyPrefix, ...overrides },
    credentials: { ...credentials, ...overrides.credentials }
  })

  async function instance(overrides: Overrides = {}): Promise<Instance> {
    const started = await startInstance({ nowMs: clock.nowMs, ...optionsOf(overrides) })
    t.teardown(() => started.close())
    return started
  }

  return {
    supplier,
    get tokenRequests() {
      return supplier.counters().requests['POST /oauth/token'] ?? 0
    },
    clock,
    instance,
    instances: (count, overrides) => Promise.all(Array.from({ length: count }, () => instance(overrides))),

    async process(overrides = {}) {
      const child = fork(PROCESS, [JSON.stringify(optionsOf(overrides))])
      const exit = once(child, 'exit')
      t.teardown(async () => {
        child.kill('SIGKILL')
        await exit
      })
      await once(child, 'message')
      return child
    }
  }
}
