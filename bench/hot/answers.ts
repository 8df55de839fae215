import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'

/** The content type of every response. */
export const JSON_TYPE = 'application/json; charset=utf-8'
/** The path of the list that is measured. */
export const LIST_PATH = '/api/v1/products?limit=20'

/** The responses of Aisle, which the other contenders return too. */
export interface ExpectedAnswers {
  list: Buffer
  gzippedList: Buffer
  listEtag: string
  detailPath: string
  detail: Buffer
}

/** Writes the responses to a file for the other contenders. */
export function writeAnswers(file: string, answers: ExpectedAnswers): void {
  writeFileSync(file, serialize(answers))
}

/** Reads the responses in a contender, from the file in its first argument. */
export function readAnswers(): ExpectedAnswers {
  return deserialize(readFileSync(process.argv[2] ?? ''))
}
