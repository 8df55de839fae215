import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'

/** What a server process has used so far. */
export interface Usage {
  cpuMicros: number
  rssBytes: number
}

/** What this module tells the process that has started the server. */
export type Report = { port: number } | { usage: Usage }

// Loaded before a server of any make, so that all of them are asked in the same way and none has code for it.
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const address = (message as { server: Server }).server.address()
  if (address !== null && typeof address === 'object') report({ port: address.port })
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  report({ usage: { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } })
})
// Whoever has started it is gone.
process.on('disconnect', () => process.exit())

function report(report: Report): void {
  process.send?.(report)
}
