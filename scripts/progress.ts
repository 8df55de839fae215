import cliProgress from 'cli-progress'

/** Shows on standard error how far a command is. */
export interface Progress {
  /**
   * @param fraction how much of the work is done, from 0 to 1; null where nobody can know
   * @param rows how many rows that was
   */
  update(fraction: number | null, rows: number): void
  /** Prints a line without disturbing the rest. */
  log(line: string): void
  stop(): void
}

const LINE_INTERVAL_MS = 2000

/** A bar at a terminal; elsewhere a line from time to time. */
export function startProgress(): Progress {
  return process.stderr.isTTY ? startBar() : startLines()
}

function startBar(): Progress {
  const describe = createDescription()
  const bars = new cliProgress.MultiBar({
    barsize: 30,
    linewrap: true,
    format: (options, { progress }, { fraction, text }) =>
      fraction === null ? text : `${cliProgress.Format.BarFormat(progress, options)}  ${text}`
  })
  const bar = bars.create(1, 0, { fraction: null, text: '' })
  return {
    update: (fraction, rows) => bar.update(fraction ?? 0, { fraction, text: describe(fraction, rows) }),
    log: (line) => bars.log(`${line}\n`),
    stop() {
      // Only an update prints what has been logged since the last one.
      bars.update()
      bars.stop()
    }
  }
}

function startLines(): Progress {
  const describe = createDescription()
  let printedAt = performance.now()
  return {
    update(fraction, rows) {
      if (performance.now() - printedAt < LINE_INTERVAL_MS) return
      printedAt = performance.now()
      console.error(describe(fraction, rows))
    },
    log: (line) => console.error(line),
    stop() {}
  }
}

/** For example `45 %  450,000 rows  21,300 rows/s  26 s left`. */
function createDescription() {
  const startedAt = performance.now()
  return (fraction: number | null, rows: number): string => {
    const seconds = (performance.now() - startedAt) / 1000
    const parts = [`${formatNumber(rows)} rows`, `${formatNumber(rows / seconds)} rows/s`]
    if (fraction !== null) parts.unshift(`${Math.floor(fraction * 100)} %`.padStart(5))
    if (fraction) parts.push(`${formatNumber((seconds * (1 - fraction)) / fraction)} s left`)
    return parts.join('  ')
  }
}

/** `12345.6` as `12,346`. */
export function formatNumber(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** The last line of a command that has worked through rows. */
export function describeWork(rows: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000
  return `${seconds.toFixed(1)} s, ${formatNumber(rows / seconds)} rows/s`
}
