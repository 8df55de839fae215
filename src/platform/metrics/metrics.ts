import { Counter, type CounterConfiguration, Gauge, type GaugeConfiguration, Registry } from '@prometheus-io/client'
import { createHistogram, type Histogram, type HistogramOptions } from './histogram.ts'

type Options<Configuration> = Omit<Configuration, 'registers' | 'aggregator' | 'enableExemplars'>

interface Labels {
  labelNames?: readonly string[] | undefined
}

/** The definition of a metric, without its values. */
export interface MetricDescription {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  labelNames: readonly string[]
}

/**
 * The metrics of one application, served at `GET /metrics`. Each part of the application adds its own when it is
 * registered: `name` as Prometheus recommends (its unit last), `help`, and `labelNames`. `help` is also the documentation
 * (`docs/metrics.md`): plain English, with the values of the labels.
 *
 * A value that exists anyway is read by `collect()` at each scrape, and costs nothing until then. On a hot path bind a
 * series to its labels once (`labels(…)` of a counter, `series(…)` of a histogram) and keep it. The values of labels never
 * come from a client, who could make series without end.
 */
export interface Metrics {
  /** @throws {Error} when there is a metric of that name */
  counter<Label extends string = never>(options: Options<CounterConfiguration<Label>>): Counter<Label>
  /** @throws {Error} when there is a metric of that name */
  gauge<Label extends string = never>(options: Options<GaugeConfiguration<Label>>): Gauge<Label>
  /** @throws {Error} when there is a metric of that name */
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>
  /** The media type of the exposition. */
  readonly contentType: string
  /** Renders the current values of all metrics in the text format of Prometheus. */
  exposition(): Promise<string>
  /** Lists all metrics, sorted by name. */
  describe(): MetricDescription[]
}

/** Makes an empty registry, which shares nothing with other registries in the process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const histograms = new Map<string, { exposition(): string }>()
  const descriptions: MetricDescription[] = []

  function add(
    type: MetricDescription['type'],
    options: Omit<MetricDescription, 'type' | 'labelNames'> & Labels
  ): void {
    const { name, help, labelNames = [] } = options
    if (descriptions.some((other) => other.name === name)) throw new Error(`There are two metrics ${name}.`)
    descriptions.push({ name, type, help, labelNames })
  }

  return {
    counter(options) {
      add('counter', options)
      return new Counter({ ...options, registers })
    },
    gauge(options) {
      add('gauge', options)
      return new Gauge({ ...options, registers })
    },
    histogram(options) {
      add('histogram', options)
      const histogram = createHistogram(options)
      histograms.set(options.name, histogram)
      return histogram
    },
    contentType: registry.contentType,
    async exposition() {
      const others = await registry.metrics()
      return Array.from(histograms.values(), (histogram) => histogram.exposition()).join('') + others
    },
    describe: () => descriptions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }
}
