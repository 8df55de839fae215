import { join } from 'node:path'
import { ask, encodeRequest, headerOf } from '../load/http-client.ts'
import { type ServerUnderTest, startAisle, startServer } from '../server-under-test.ts'
import { type ExpectedAnswers, LIST_PATH, writeAnswers } from './answers.ts'

/** A server to measure. */
export interface HotContender {
  name: string
  server: ServerUnderTest
}

/** The contender that ratios refer to. */
export const BASELINE = 'bare Fastify'

const PROGRAMS = { 'bare node:http': 'bare-http.ts', [BASELINE]: 'bare-fastify.ts', 'naive assembly': 'naive.ts' }

/**
 * Starts Aisle, and then the others with its responses. Calls `onStart` for each started contender, so that the caller
 * can stop it even when a later one fails.
 */
export async function startHotContenders(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  onStart: (contender: HotContender) => void
): Promise<ExpectedAnswers> {
  const logFile = (name: string) => join(folder, `${name}.log`)

  const aisle = await startAisle({ env, logFile: logFile('aisle') })
  onStart({ name: 'Aisle', server: aisle })
  const unlimited = { ...env, RATE_LIMIT_ENABLED: 'false' }
  const withoutLimiter = await startAisle({ env: unlimited, logFile: logFile('aisle-unlimited') })
  onStart({ name: 'Aisle, no limiter', server: withoutLimiter })
  const answers = await askForAnswers(aisle.port)
  const file = join(folder, 'answers')
  writeAnswers(file, answers)
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const path = join(import.meta.dirname, 'servers', program)
    onStart({ name, server: await startServer(path, { args: [file], env, logFile: logFile(program) }) })
  }
  return answers
}

async function askForAnswers(port: number): Promise<ExpectedAnswers> {
  const list = await ask(port, encodeRequest(LIST_PATH))
  const gzipped = await ask(port, encodeRequest(LIST_PATH, { 'accept-encoding': 'gzip' }))
  const detailPath = `/api/v1/products/${JSON.parse(String(list.body)).data[0].id}`
  const detail = await ask(port, encodeRequest(detailPath))
  return {
    list: list.body,
    gzippedList: gzipped.body,
    listEtag: headerOf(list, 'etag') ?? '',
    detailPath,
    detail: detail.body
  }
}
