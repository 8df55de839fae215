/** One record of a file: its values by the names of their columns, or why it can't be read. */
export type ImportRecord = { line: number } & ({ values: Record<string, unknown> } | { fault: string })

/** Longer than any product: whatever is longer is not read into memory. */
export const RECORD_MAX_BYTES = 2 ** 20

export const NOT_UTF8 = 'is not UTF-8 text'

/** The file, or what was said about it, does not make an import. */
export class ImportUsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ImportUsageError'
  }
}
