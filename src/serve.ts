import { setTimeout as delay } from 'node:timers/promises'
import { type App, buildApp } from './app.ts'
import type { Config } from './config/config.ts'
import { CLOSE_TIMEOUT_MS } from './config/limits.ts'

/** npm and the terminal both forward Ctrl-C: a signal this soon after the first is the same one. */
const SAME_SIGNAL_MS = 500

interface ServeOptions {
  /** Runs after the last request and before the process exits. */
  onClosed?: () => Promise<void>
  /** Waits for the drain time. */
  wait?: (drainMs: number) => Promise<unknown>
  /** A monotonic clock, in ms. */
  nowMs?: () => number
}

/**
 * Serves until the process is told to stop.
 *
 * After SIGTERM or SIGINT, readiness answers 503 for the drain time while requests are still served; then requests in
 * flight finish, everything is closed, and the process exits with 0. An uncaught error ends the process in the same way,
 * with 1. A second signal ends it at once, with 1.
 * @returns the address, once the service listens
 * @throws {Error} when the service cannot listen on the address
 */
export async function serve(config: Config, options: ServeOptions = {}): Promise<{ url: string }> {
  const { onClosed, wait = delay, nowMs = () => performance.now() } = options
  let app: App | undefined
  let exitCode = 0
  let isStopping = false
  let signalledAt: number | undefined

  async function stop(): Promise<void> {
    if (isStopping) return
    isStopping = true
    try {
      if (app) await Promise.race([drainAndClose(app), deadline(config.server.drainMs)])
      await onClosed?.()
    } catch (error) {
      fail(error, 'could not stop in an orderly way')
    }
    process.exit(exitCode)
  }

  async function drainAndClose(app: App): Promise<void> {
    app.lifecycle.beginDraining()
    await wait(config.server.drainMs)
    await app.close()
  }

  function fail(error: unknown, what: string): void {
    exitCode = 1
    if (app) app.log.fatal({ err: error }, what)
    else console.error(error)
  }

  function onSignal(signal: NodeJS.Signals): void {
    const now = nowMs()
    signalledAt ??= now
    if (now - signalledAt > SAME_SIGNAL_MS) {
      app?.log.warn(`${signal} again: stopping at once`)
      process.exit(1)
    }
    if (isStopping) return
    app?.log.info(`${signal}: stopping`)
    stop()
  }

  function onUncaught(error: unknown): void {
    fail(error, 'uncaught error')
    stop()
  }

  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)

  const built = await buildApp(config)
  for (const warning of config.warnings) built.log.warn(warning)
  const url = await built.listen({ host: config.server.host, port: config.server.port })
  app = built
  return { url }
}

async function deadline(drainMs: number): Promise<never> {
  await delay(drainMs + CLOSE_TIMEOUT_MS, undefined, { ref: false })
  throw new Error(`requests or connections were still open after ${CLOSE_TIMEOUT_MS} ms`)
}
