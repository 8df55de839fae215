/** A failure that the user can fix: the message says what is wrong and what to do. It is printed without a stack. */
export class ReadableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ReadableError'
  }
}
