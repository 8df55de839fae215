/** The settings of a benchmark run. */
export interface BenchmarkContext {
  /** Variables for the servers under test, with the addresses of the engines. */
  env: Readonly<Record<string, string | undefined>>
  /** True for a shorter run, whose numbers are only printed. */
  isQuick: boolean
  /** The numbers of products of the catalogues; only `listing` has this choice. */
  sizes?: readonly number[]
}
