import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateDocs } from '../../scripts/docs/generated-docs.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('the generated pages are current', async (t) => {
  for (const [path, content] of Object.entries(await generateDocs())) {
    t.equal(await readFile(join(ROOT, path), 'utf8'), content, `${path}: run \`npm run docs\``)
  }
})
