/** A failure that the person at the terminal can put right: its message says what is wrong and the way out. */
export class ReadableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ReadableError'
  }
}
