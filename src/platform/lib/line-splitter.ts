const NEWLINE = 0x0a

/** A line of a text, counted from 1, without its end. */
export interface Line {
  number: number
  /** Null when it is too long. They are good until the next line is asked for. */
  bytes: Buffer | null
}

export interface LineSplitter {
  /** The lines that end in a chunk. Chunks may be cut anywhere. */
  push(chunk: Buffer): Generator<Line>
  /** The last line, where no newline ends it. */
  end(): Generator<Line>
}

/** Splits a text of any length into its lines. Keeps one line at most, and of one that is too long nothing. */
export function createLineSplitter(limitBytes: number): LineSplitter {
  /** The beginning of a line whose end is yet to come: lines of many small chunks take no more than others. */
  let pending: Buffer | undefined
  let length = 0
  let number = 0

  function keep(part: Buffer): void {
    if (length + part.length <= limitBytes) {
      pending ??= Buffer.allocUnsafe(limitBytes)
      part.copy(pending, length)
    }
    length += part.length
  }

  function finish(part: Buffer): Line {
    number++
    const total = length + part.length
    if (length > 0) keep(part)
    const whole = length > 0 ? pending?.subarray(0, total) : part
    length = 0
    return { number, bytes: total <= limitBytes ? (whole ?? null) : null }
  }

  return {
    *push(chunk) {
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        yield finish(chunk.subarray(start, end))
        start = end + 1
      }
      if (start < chunk.length) keep(chunk.subarray(start))
    },

    *end() {
      if (length > 0) yield finish(Buffer.alloc(0))
    }
  }
}
