import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'

export const JSON_TYPE = 'application/json; charset=utf-8'
export const LIST_PATH = '/api/v1/products?limit=20'

/** What Aisle answers, for the others to answer the same. */
export interface ExpectedAnswers {
  list: Buffer
  gzippedList: Buffer
  listEtag: string
  detailPath: string
  detail: Buffer
}

export function writeAnswers(file: string, answers: ExpectedAnswers): void {
  writeFileSync(file, serialize(answers))
}

/** Reads them where a server of the benchmark finds them: in the file that is its argument. */
export function readAnswers(): ExpectedAnswers {
  return deserialize(readFileSync(process.argv[2] ?? ''))
}
