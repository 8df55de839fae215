import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { printHelp } from './command-line.ts'
import { generateDocs } from './docs/generated-docs.ts'

const USAGE = `npm run docs

Writes the generated pages: docs/configuration.md, docs/errors.md, docs/metrics.md and .env.example.`
const ROOT = join(import.meta.dirname, '..')

printHelp(USAGE)
for (const [path, content] of Object.entries(await generateDocs())) {
  await writeFile(join(ROOT, path), content)
  console.log(`${path} written`)
}
