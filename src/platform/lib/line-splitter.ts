const NEWLINE = 0x0a

/** A line of a text, without its newline. */
export interface Line {
  /** From 1 on. */
  number: number
  /** Null when the line is too long. Valid only until the next line is requested. */
  bytes: Buffer | null
}

/** Splits a text that arrives in chunks. */
export interface LineSplitter {
  /** Takes a chunk, which may be cut anywhere, and yields the lines that end in it. */
  push(chunk: Buffer): Generator<Line>
  /** Yields the last line when no newline ends it. */
  end(): Generator<Line>
}

/**
 * Makes a splitter for a text of any length. It keeps at most the line that is incomplete, and nothing of a line that is
 * too long.
 * @param limitBytes the longest line
 */
export function createLineSplitter(limitBytes: number): LineSplitter {
  /** The beginning of the incomplete line, in one buffer however many chunks it came in. */
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
