import type { Test } from 'tap'
import { type App, buildApp } from '../../src/app.ts'
import type { Config } from '../../src/config/config.ts'
import { testConfig } from './test-config.ts'

/** The application on a database of its own, closed with the test. */
export async function testApp(t: Test, config?: Config): Promise<App> {
  const app = await buildApp(config ?? (await testConfig(t)))
  t.teardown(() => app.close())
  await app.ready()
  return app
}
