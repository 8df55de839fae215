import { renderErrors } from './errors.ts'
import { renderMetrics } from './metrics.ts'
import { renderConfiguration, renderEnvExample } from './settings.ts'

/**
 * Generates the pages that are not written by hand, each from the one place where its content is described.
 * @returns content by path, relative to the root of the repository
 */
export async function generateDocs(): Promise<Record<string, string>> {
  return {
    '.env.example': renderEnvExample(),
    'docs/configuration.md': await renderConfiguration(),
    'docs/errors.md': renderErrors(),
    'docs/metrics.md': await renderMetrics()
  }
}
