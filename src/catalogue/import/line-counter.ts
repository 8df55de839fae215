const LINE_BREAK = /\r\n?|\n/g
const LEADING_LINE_BREAKS = /^[\r\n]*/

/** Tells on which line of a file, as an editor counts them, each of its records begins. */
export interface LineCounter {
  add(chunk: Buffer): void
  /** The line on which the next record begins; it and what is blank before it end at this byte of the file. */
  nextRecord(endByte: number): number
  /** The line on which a record begins that has no end. */
  lastRecord(): number
}

/** Keeps no more of the file than the record that is being read. */
export function createLineCounter(): LineCounter {
  let unread: Buffer = Buffer.alloc(0)
  let bytesRead = 0
  let line = 1

  function nextRecord(endByte: number): number {
    const length = endByte - bytesRead
    const text = unread.toString('latin1', 0, length)
    const firstLine = line + countLineBreaks(LEADING_LINE_BREAKS.exec(text)?.[0] ?? '')
    unread = unread.subarray(length)
    bytesRead = endByte
    line += countLineBreaks(text)
    return firstLine
  }

  return {
    add(chunk) {
      unread = Buffer.concat([unread, chunk])
    },
    nextRecord,
    lastRecord: () => nextRecord(bytesRead + unread.length)
  }
}

function countLineBreaks(text: string): number {
  return text.match(LINE_BREAK)?.length ?? 0
}
