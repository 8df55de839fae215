const CONTROL_OR_SPACE = /[\p{Cc}\s]+/gu

/** Trims, and makes each run of control characters and white space one space. */
export function normalizeText(text: string): string {
  return text.replace(CONTROL_OR_SPACE, ' ').trim()
}
