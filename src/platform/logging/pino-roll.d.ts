/** The package has no types of its own; these are the parts in use. */
declare module 'pino-roll' {
  import type { EventEmitter } from 'node:events'

  interface RollingStream extends EventEmitter {
    /** Of the file that is written to now. */
    readonly fd: number
    write(text: string): boolean
    /** Writes what is left, also what could not be written before. */
    flush(): void
  }

  interface RollingOptions {
    file: string
    frequency: 'daily' | 'hourly' | number
    dateFormat: string
    /** Such as `10m`. */
    size: string
    /** Files beside the one that is written to. */
    limit: { count: number; removeOtherLogFiles: boolean }
    mkdir: boolean
    minLength: number
    sync: boolean
  }

  export default function roll(options: RollingOptions): Promise<RollingStream>
}
