import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateDocs } from './docs/generated-docs.ts'

const ROOT = join(import.meta.dirname, '..')

for (const [path, content] of Object.entries(await generateDocs())) {
  await writeFile(join(ROOT, path), content)
  console.log(`${path} is written`)
}
