import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'

/** The resources that a server process has used so far. */
export interface Usage {
  cpuMicros: number
  rssBytes: number
}

/** A message to the process that started the server. */
export type UsageReport = { port: number } | { usage: Usage }

// Loaded with --import into every server, so that all are measured in the same way and none has code for it.
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const address = (message as { server: Server }).server.address()
  if (address !== null && typeof address === 'object') report({ port: address.port })
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  report({ usage: { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } })
})
// The process that started this one has ended.
process.on('disconnect', () => process.exit())

function report(report: UsageReport): void {
  process.send?.(report)
}
