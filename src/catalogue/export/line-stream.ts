import { Readable } from 'node:stream'

interface LineStreamOptions {
  /** How long its reader may take nothing. */
  stallTimeoutMs: number
  /** For all of it. */
  timeoutMs: number
  /** It is over: read to its end, or cut. */
  onClose: () => void
}

/** Makes a stream of texts, which are asked for as they are read. It is destroyed with an error when it takes too long. */
export function createLineStream(lines: AsyncIterator<string, void>, options: LineStreamOptions): Readable {
  const { stallTimeoutMs, timeoutMs, onClose } = options
  const whole = setTimeout(cut, timeoutMs, `It was not read to its end within ${timeoutMs} ms.`)
  let stall = watchReader()

  function watchReader() {
    return setTimeout(cut, stallTimeoutMs, `Its reader took nothing for ${stallTimeoutMs} ms.`)
  }

  function cut(reason: string): void {
    stream.destroy(new Error(reason))
  }

  /** The next text that is not empty; null at the end. */
  async function next(): Promise<string | null> {
    for (;;) {
      const { value, done } = await lines.next()
      if (done || value === undefined) return null
      if (value !== '') return value
    }
  }

  const stream = new Readable({
    read() {
      clearTimeout(stall)
      next().then(
        (text) => {
          if (stream.destroyed) return
          stall = watchReader()
          stream.push(text)
        },
        (error) => stream.destroy(error)
      )
    },
    destroy(error, done) {
      clearTimeout(stall)
      clearTimeout(whole)
      onClose()
      done(error)
    }
  })
  return stream
}
