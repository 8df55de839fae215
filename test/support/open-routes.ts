import type { App } from '../../src/app.ts'

/** Routes that a test adds from now on are for anyone. */
export function openRoutes(app: App): void {
  app.addHook('onRoute', (route) => {
    route.config = { access: 'open', ...route.config }
  })
}
