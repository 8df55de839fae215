/** Header fields, each name followed by its value. Names are in lower case, and values are valid. */
export type HeaderFields = readonly string[]

/** Header fields that are sent many times, with the text that is sent. */
export interface HeaderBlock {
  readonly fields: HeaderFields
  readonly text: string
}

/** Creates a block of header fields. */
export function createHeaderBlock(fields: HeaderFields): HeaderBlock {
  // A flat string: one that was put together by + would be walked through again each time it is sent.
  const text = Buffer.from(toHeaderText(fields), 'latin1').toString('latin1')
  return { fields, text }
}

/** Writes header fields as HTTP/1.1 sends them: one line each. */
export function toHeaderText(fields: HeaderFields): string {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`
  return text
}
