import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import type { ListQuery } from '../../src/catalogue/listing/query/list-query.ts'
import type { Statement } from '../../src/catalogue/listing/read/statements.ts'

/** The work of the floor server for one question. */
export interface FloorRequest {
  resource: 'list' | 'facets'
  query: ListQuery
  statements: Statement[]
}

/** Writes the requests to a file; the floor server answers them by number. */
export function writeFloorRequests(file: string, requests: readonly FloorRequest[]): void {
  writeFileSync(file, serialize(requests))
}

/** Reads the requests in the floor server, from the file in its first argument. */
export function readFloorRequests(): FloorRequest[] {
  return deserialize(readFileSync(process.argv[2] ?? ''))
}
