import type { Database } from '../../platform/database/database.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import type { ApiKey } from './access.ts'

const INTERVAL_MS = 60_000

/** Records when API keys were last used. */
export interface KeyUsage {
  /** Records a use in memory: it costs the request no statement. */
  record(key: ApiKey): void
  /** Writes all recorded uses now. Resolves when they are written, or writing them has failed. */
  flush(): Promise<void>
}

interface KeyUsageOptions {
  database: Database
  /** The time of day, in ms. */
  nowMs: () => number
  onFailure: (error: unknown) => void
  intervalMs?: number
}

const WRITE = `UPDATE api_keys AS k
  JOIN JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$.id', at DATETIME(3) PATH '$.at')) AS used ON k.id = UNHEX(used.id)
  SET k.last_used_at = GREATEST(COALESCE(k.last_used_at, used.at), used.at)`

/** Creates a recorder that writes the last use of all keys in one statement, at most once a minute. Uses that could not be written are written the next time. */
export function createKeyUsage({ database, nowMs, onFailure, intervalMs = INTERVAL_MS }: KeyUsageOptions): KeyUsage {
  let usedAtMs = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  function record({ id }: ApiKey): void {
    usedAtMs.set(id, nowMs())
    timer ??= setTimeout(flush, intervalMs).unref()
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  async function write(): Promise<void> {
    if (usedAtMs.size === 0) return
    const written = usedAtMs
    usedAtMs = new Map()
    const uses = Array.from(written, ([id, at]) => ({ id: id.replaceAll('-', ''), at: toDatetime(at) }))
    try {
      await database.execute(WRITE, [JSON.stringify(uses)])
    } catch (error) {
      usedAtMs = new Map([...written, ...usedAtMs])
      onFailure(error)
    }
  }

  return { record, flush }
}
