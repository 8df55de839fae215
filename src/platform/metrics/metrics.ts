import { Counter, type CounterConfiguration, Gauge, type GaugeConfiguration, Registry } from '@prometheus-io/client'
import { createHistogram, type Histogram, type HistogramOptions } from './histogram.ts'

type Options<Configuration> = Omit<Configuration, 'registers' | 'aggregator' | 'enableExemplars'>

/**
 * The metrics of one application, shown at `GET /metrics`. Whoever has something to measure adds a metric at
 * registration: `name` in the form of Prometheus with its unit last, `help`, `labelNames`.
 *
 * What is a number already is read by `collect()` when somebody looks, and costs nothing until then. On a hot path bind a
 * series once (`labels(…)` of a counter, `series(…)` of a histogram) and keep it. Labels never come from a client.
 */
export interface Metrics {
  /** All three throw an Error when there is a metric of that name already. */
  counter<Label extends string = never>(options: Options<CounterConfiguration<Label>>): Counter<Label>
  gauge<Label extends string = never>(options: Options<GaugeConfiguration<Label>>): Gauge<Label>
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>
  /** The media type of the exposition. */
  readonly contentType: string
  /** All metrics as they are now, in the text format of Prometheus. */
  exposition(): Promise<string>
}

/** Makes an empty set of metrics that shares nothing with any other in the process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const histograms = new Map<string, { exposition(): string }>()

  function claim(name: string): void {
    if (histograms.has(name) || registry.getSingleMetric(name)) throw new Error(`There are two metrics ${name}.`)
  }

  return {
    counter(options) {
      claim(options.name)
      return new Counter({ ...options, registers })
    },
    gauge(options) {
      claim(options.name)
      return new Gauge({ ...options, registers })
    },
    histogram(options) {
      claim(options.name)
      const histogram = createHistogram(options)
      histograms.set(options.name, histogram)
      return histogram
    },
    contentType: registry.contentType,
    async exposition() {
      const others = await registry.metrics()
      return Array.from(histograms.values(), (histogram) => histogram.exposition()).join('') + others
    }
  }
}
