/** A record of a file: its values by the names of their columns, or the reason why it can't be read. */
export type ImportRecord = { line: number } & ({ values: Record<string, unknown> } | { fault: string })

/** The longest record that is read into memory, in bytes: longer than any product. */
export const RECORD_MAX_BYTES = 2 ** 20

/** The fault of a record whose text is not UTF-8. */
export const NOT_UTF8 = 'is not UTF-8 text'

/** The error for a file or a mapping from which nothing can be imported. */
export class ImportUsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImportUsageError'
  }
}
