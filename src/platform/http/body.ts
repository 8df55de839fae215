/** A text as a body, in memory of its own: a small `Buffer.from` lies in a pool of 64 KiB, all of which it keeps. */
export function bodyOf(text: string): Buffer {
  const body = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  body.write(text)
  return body
}
