import { setTimeout as wait } from 'node:timers/promises'
import { type App, buildApp } from '../app.ts'
import type { Config } from '../config.ts'

/** npm and the terminal both pass Ctrl-C on: what comes this soon after the first is the same one. */
const SAME_SIGNAL_MS = 500
/** For requests in flight and for closing; whoever waits longer is stuck. */
const CLOSE_TIMEOUT_MS = 20_000

interface ServeOptions {
  /** Runs after the last request and before the process ends. */
  onClosed?: () => Promise<void>
}

/**
 * Serves until the process is told to stop, and answers the address once it listens.
 *
 * SIGTERM or SIGINT: readiness says no for the drain time while requests are still served, then requests in flight
 * finish, then everything is closed and the process ends with 0. An uncaught error ends it the same way, with 1. A
 * second signal ends it at once, with 1.
 * @throws when the address cannot be listened on
 */
export async function serve(config: Config, { onClosed }: ServeOptions = {}): Promise<{ url: string }> {
  const app = await buildApp(config)
  for (const warning of config.warnings) app.log.warn(warning)
  let stoppedAt: number | undefined

  async function stop(exitCode: number): Promise<never> {
    stoppedAt = performance.now()
    app.lifecycle.isDraining = true
    const exit = await Promise.race([close(app, config.server.drainMs, exitCode), deadline(config.server.drainMs)])
    await onClosed?.()
    process.exit(exit)
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (stoppedAt === undefined) {
      app.log.info(`${signal}: stopping`)
      stop(0)
    } else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      app.log.warn(`${signal} again: stopping at once`)
      process.exit(1)
    }
  }

  function onUncaught(error: unknown): void {
    app.log.fatal({ err: error }, 'uncaught error')
    if (stoppedAt === undefined) stop(1)
  }

  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
  const url = await app.listen({ host: config.server.host, port: config.server.port })
  return { url }
}

async function close(app: App, drainMs: number, exitCode: number): Promise<number> {
  await wait(drainMs)
  await app.close()
  return exitCode
}

async function deadline(drainMs: number): Promise<number> {
  await wait(drainMs + CLOSE_TIMEOUT_MS, undefined, { ref: false })
  return 1
}
