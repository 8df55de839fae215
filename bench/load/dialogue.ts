import { type Connection, openConnection } from './connection.ts'
import type { Response } from './response.ts'

/** Requests one after the other, on a connection that stays open as long as the server lets it. */
export interface Dialogue {
  /** @throws when the connection ends in place of an answer */
  ask(request: Buffer): Promise<Answer>
  close(): void
}

export interface Answer {
  /** A copy, to keep. */
  response: Response
  /** From when the request was sent, on a connection that was open, to when the answer was there. */
  micros: number
}

export function openDialogue(port: number): Dialogue {
  let connection: Connection | undefined
  let sentAt = 0
  let asked: PromiseWithResolvers<Answer> | undefined
  let opened: PromiseWithResolvers<void> | undefined

  function open(): Promise<void> {
    opened = Promise.withResolvers()
    connection = openConnection(port, {
      onOpen: () => opened?.resolve(),
      onResponse(response) {
        const micros = (performance.now() - sentAt) * 1000
        asked?.resolve({ response: { ...response, body: Buffer.from(response.body) }, micros })
        asked = undefined
      },
      onBroken(reason) {
        // A server may hang up while nobody asks it anything: the next request gets a new connection.
        connection = undefined
        opened?.reject(new Error(reason))
        asked?.reject(new Error(reason))
        asked = undefined
      }
    })
    return opened.promise
  }

  return {
    async ask(request) {
      if (connection === undefined) await open()
      asked = Promise.withResolvers()
      sentAt = performance.now()
      connection?.send(request)
      return await asked.promise
    },
    close: () => connection?.close()
  }
}
