import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import type { ListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import type { Statement } from '../../src/catalogue/listing/read/statements.ts'

/** What the server of the floor has to do for one question. */
export interface FloorRequest {
  resource: 'list' | 'facets'
  query: ListQuery
  statements: Statement[]
}

/** The server answers them by their numbers. */
export function writeFloorRequests(file: string, requests: readonly FloorRequest[]): void {
  writeFileSync(file, serialize(requests))
}

/** Reads them where the server finds them: in the file that is its argument. */
export function readFloorRequests(): FloorRequest[] {
  return deserialize(readFileSync(process.argv[2] ?? ''))
}
