import cliProgress from 'cli-progress'

/** A progress display on standard error. */
export interface Progress {
  /**
   * Shows how much is done.
   * @param fraction the finished share of the work, from 0 to 1; null if unknown
   * @param rows the number of finished rows
   */
  update(fraction: number | null, rows: number): void
  /** Prints a line above the progress bar. */
  log(line: string): void
  stop(): void
}

const LINE_INTERVAL_MS = 2000

/** Starts a progress bar in a terminal, or else a line every two seconds. */
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
      // Logged lines appear with the next update.
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

/** Creates the text of a progress display, for example `45 %  450,000 rows  21,300 rows/s  26 s left`. */
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

/** Formats a number as a whole one with separators: 12345.6 as `12,346`. */
export function formatNumber(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/**
 * Formats the duration and the rate of finished work, for example `9.4 s, 21,300 rows/s`.
 * @param startedAt the value of `performance.now()` when the work began
 */
export function describeWork(rows: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000
  return `${seconds.toFixed(1)} s, ${formatNumber(rows / seconds)} rows/s`
}
