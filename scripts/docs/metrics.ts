import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import type { MetricDescription } from '../../src/platform/metrics/metrics.ts'
import { code, pageHeader, table } from './markdown.ts'

/** Nothing listens at these addresses: the application boots without its servers. All of its parts are configured. */
const NOWHERE = {
  DB_SOCKET: '/nowhere',
  DB_USER: 'nobody',
  DB_NAME: 'nothing',
  REDIS_URL: '/nowhere',
  LOG_LEVEL: 'silent',
  EXTERNAL_API_BASE_URL: 'http://nowhere.invalid',
  OAUTH_TOKEN_URL: 'http://nowhere.invalid',
  OAUTH_CLIENT_ID: 'nobody',
  OAUTH_CLIENT_SECRET: 'nothing'
}

/** The groups of the page, each with the beginning of its names; a metric belongs to the first group that fits. */
const GROUPS: readonly [title: string, prefix: string][] = [
  ['Requests', 'http_'],
  ['MySQL', 'aisle_mysql_'],
  ['Cache', 'aisle_cache_'],
  ['API keys', 'aisle_key_'],
  ['Rate limits', 'aisle_rate_limit_'],
  ['Change log and change feed', 'aisle_changes_'],
  ['Bulk', 'aisle_bulk_'],
  ['Exports', 'aisle_export'],
  ['Idempotency keys', 'aisle_idempotency_'],
  ['Webhooks', 'aisle_webhooks_'],
  ['Supplier', 'aisle_'],
  ['Node.js', 'nodejs_'],
  ['Process', 'process_']
]

/** Renders `docs/metrics.md` from the metrics that the application registers. */
export async function renderMetrics(): Promise<string> {
  const app = await buildApp(loadConfig(NOWHERE))
  await app.ready()
  const metrics = app.metrics.describe()
  await app.close()
  const groups = groupMetrics(metrics).map(([title, members]) => {
    const rows = members.map(({ name, type, help, labelNames }) => [
      code(name),
      type,
      labelNames.length === 0 ? '–' : labelNames.map(code).join(', '),
      help
    ])
    return `## ${title}\n\n${table(['Metric', 'Type', 'Labels', 'Meaning'], rows)}`
  })
  return `${pageHeader('Metrics', 'the metrics that the application registers')}
\`GET /metrics\` serves these metrics in the text format of Prometheus. All of them are those of one instance, unless the
text says otherwise. A histogram \`x\` has the series \`x_bucket\`, \`x_sum\` and \`x_count\`.

${groups.join('\n')}`
}

function groupMetrics(metrics: readonly MetricDescription[]): [title: string, members: MetricDescription[]][] {
  const byTitle = Map.groupBy(
    metrics,
    ({ name }) => GROUPS.find(([, prefix]) => name.startsWith(prefix))?.[0] ?? 'Other'
  )
  return [...GROUPS.map(([title]) => title), 'Other'].flatMap((title) => {
    const members = byTitle.get(title)
    return members === undefined ? [] : [[title, members] as [string, MetricDescription[]]]
  })
}
