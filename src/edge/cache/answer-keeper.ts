import { type AnswerMemory, type CachedAnswer, NO_OUTAGE } from './answer-memory.ts'
import type { AnswerValidity } from './answer-validity.ts'
import type { Answer } from './cached-body.ts'
import { type EncodeAnswer, encodeAgain } from './encoded-answer.ts'
import type { Subject } from './subject.ts'

interface AnswerKeeperOptions {
  memory: AnswerMemory
  validity: AnswerValidity
  /** Makes a body ready to be sent, in the codings in which it was asked for before. */
  encode: EncodeAnswer
}

type ReadAnswer = Pick<CachedAnswer, 'answer' | 'version' | 'loadedAtMs'>

/** Puts answers into memory, unless what they show has changed since they were read: then they are for those who wait. */
export function answerKeeper({ memory, validity, encode }: AnswerKeeperOptions) {
  return async (subject: Subject, { answer, version, loadedAtMs }: ReadAnswer): Promise<CachedAnswer> => {
    const { key, productId, ttlMs } = subject
    const present = memory.get(key)
    const latest = await withBodies(answer, present)
    const times = { loadedAtMs, expiresAtMs: loadedAtMs + ttlMs, retryAtMs: NO_OUTAGE }
    const news = { ...latest, version, isTouched: false, ...times }
    if (present !== undefined && !present.isDropped) {
      const isNewer = loadedAtMs > present.loadedAtMs || validity.isBefore(present.version, version ?? 0)
      if (isNewer) memory.set(Object.assign(present, news))
      return present
    }
    const entry: CachedAnswer = {
      ...{ subject, encoded: {}, ...news },
      ...{ isDropped: false, isVisited: false, urls: [], sizeBytes: 0 }
    }
    if (productId !== null && validity.hasChanged(productId, version)) entry.isDropped = true
    else memory.set(entry)
    return entry
  }

  /** Where it is the same as before, so are its bodies. */
  async function withBodies(answer: Answer, present: CachedAnswer | undefined) {
    if (present === undefined) return { answer, encoded: {} }
    if (present.answer.etag === answer.etag) return { answer: { ...answer, body: present.answer.body } }
    return { answer, encoded: await encodeAgain(encode, answer, present.encoded) }
  }
}
