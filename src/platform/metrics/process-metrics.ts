import { readdir } from 'node:fs/promises'
import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Metrics } from './metrics.ts'

const DELAY_SAMPLE_MS = 20
const OPEN_FILES = '/proc/self/fd'

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb'
}

/**
 * Adds the metrics of the process, under the names that dashboards for Node.js expect. The library's own collection cannot
 * be stopped, and of the garbage collections that Node reports together it counts only the first.
 * @returns stops measuring
 */
export function addProcessMetrics(metrics: Metrics): () => void {
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.gauge({
      name,
      help,
      collect() {
        this.set(read())
      }
    })
  const counter = (name: string, help: string, read: () => number) =>
    metrics.counter({
      name,
      help,
      collect() {
        this.reset()
        this.inc(read())
      }
    })

  counter('process_cpu_seconds_total', 'User and system CPU time of the process.', cpuSeconds)
  gauge('process_start_time_seconds', 'Start time of the process in Unix time.', () => performance.timeOrigin / 1000)
  gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())
  metrics.gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors; 0 where this cannot be read.',
    async collect() {
      this.set(await countOpenFiles())
    }
  })
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', () => getHeapStatistics().used_heap_size)
  gauge('nodejs_heap_size_total_bytes', 'JavaScript heap that is allocated.', () => getHeapStatistics().total_heap_size)
  gauge(
    'nodejs_external_memory_bytes',
    'Memory outside the JavaScript heap, such as buffers.',
    () => getHeapStatistics().external_memory
  )

  counter(
    'nodejs_eventloop_active_seconds_total',
    'Time that the event loop was active. Its rate is the utilisation of the event loop.',
    () => performance.eventLoopUtilization().active / 1000
  )

  const stopDelay = measureEventLoopDelay(metrics)
  const stopPauses = measureGarbageCollection(metrics)
  return () => {
    stopDelay()
    stopPauses()
  }
}

/**
 * Samples how late a timer fires. Node's own monitor would have to be reset at each scrape: two scrapers would take each
 * other's maximum, and a block during the scrape would be lost.
 */
function measureEventLoopDelay(metrics: Metrics): () => void {
  const delays = metrics
    .histogram({ name: 'nodejs_eventloop_delay_seconds', help: 'Delay of the event loop, sampled every 20 ms.' })
    .series({})
  let dueAt = performance.now() + DELAY_SAMPLE_MS
  const timer = setInterval(() => {
    const now = performance.now()
    delays.observe(Math.max(0, now - dueAt) / 1000)
    dueAt = now + DELAY_SAMPLE_MS
  }, DELAY_SAMPLE_MS).unref()
  return () => clearInterval(timer)
}

function measureGarbageCollection(metrics: Metrics): () => void {
  const pauses = metrics.histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses for garbage collection, by kind: major, minor, incremental, weakcb, other.',
    labelNames: ['kind']
  })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind = 0 } = (entry as PerformanceEntry & { detail: NodeGCPerformanceDetail }).detail
      pauses.series({ kind: GC_KINDS[kind] ?? 'other' }).observe(entry.duration / 1000)
    }
  })
  observer.observe({ type: 'gc' })
  return () => observer.disconnect()
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

async function countOpenFiles(): Promise<number> {
  try {
    return (await readdir(OPEN_FILES)).length
  } catch {
    // Only Linux has it.
    return 0
  }
}
