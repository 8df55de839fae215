import type { Commit } from './product-writer.ts'

/** What one request was answered. */
export interface Observation {
  beganAtMs: number
  status: number
  /** Of the observed product. */
  stock: number | undefined
  cacheStatus: string
}

export interface Observer {
  readonly url: string
  readonly seen: readonly Observation[]
  stop(): Promise<void>
}

/** The clock that all processes of a machine have in common. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export async function ask(url: string, productId: string): Promise<Observation> {
  const beganAtMs = nowMs()
  const response = await fetch(url)
  const body = JSON.parse(await response.text())
  const products: { id: string; stock: number }[] = Array.isArray(body.data) ? body.data : [body]
  return {
    beganAtMs,
    status: response.status,
    stock: products.find(({ id }) => id === productId)?.stock,
    cacheStatus: response.headers.get('cache-status') ?? ''
  }
}

/** Asks for a URL all the time, and notes what it says about a product. */
export function observe(url: string, productId: string): Observer {
  const seen: Observation[] = []
  let isStopped = false
  async function run() {
    while (!isStopped) seen.push(await ask(url, productId))
  }
  const running = run()
  return {
    url,
    seen,
    stop() {
      isStopped = true
      return running
    }
  }
}

/**
 * The answers that show a state older than they may: one that was replaced more than a second before they were asked
 * for. Those that say that they are stale don't count.
 * @param commits of the observed product, with ever more stock
 */
export function findTooOld(seen: readonly Observation[], commits: readonly Pick<Commit, 'stock' | 'atMs'>[]) {
  return seen.flatMap((observation) => {
    const { beganAtMs, stock, status, cacheStatus } = observation
    if (status !== 200 || cacheStatus.includes('stale')) return []
    const replaced = commits.find(
      (commit) => commit.atMs < beganAtMs - 1000 && !(stock !== undefined && stock >= commit.stock)
    )
    return replaced === undefined ? [] : [{ ...observation, lateMs: beganAtMs - replaced.atMs }]
  })
}
