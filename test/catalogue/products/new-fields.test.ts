import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { addMigration, insertLines, scratchCopy } from './support/scratch-copy.ts'

/*
 * Two fields are added to a copy of the repository as CONTRIBUTING describes it, and must arrive everywhere: `brand`, whose
 * column has another name, and `labels`, a list that is stored as JSON.
 */

const CONTRACTS = `  brand: {
    output: Nullable(Type.String({ maxLength: 50 }), 'The brand.'),
    input: Nullable(Type.String(), text('The brand.', 50)),
    default: null,
    example: 'Nordvale'
  },
  labels: {
    output: Type.Array(Type.String()),
    input: Type.Array(Type.String()),
    default: [],
    example: ['organic']
  },`
const RULES = `  brand: { column: 'brand_name', read: (value) => readOptionalText(value, 50), hasRegister: true },
  labels: {
    column: 'labels',
    read: (value) => (Array.isArray(value) ? { value: JSON.stringify(value) } : { fault: 'must be a list' }),
    hasRegister: true
  },`
const MIGRATION = `ALTER TABLE products
  ADD COLUMN brand_name VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  ADD COLUMN labels TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ('[]');`

const folder = await scratchCopy(t)
await insertLines(join(folder, 'schemas/product-fields.ts'), '  stock: {', CONTRACTS)
await insertLines(join(folder, 'src/catalogue/products/fields.ts'), '  stock: {', RULES)
await addMigration(folder, 'brand-and-labels', MIGRATION)

t.test('types follow from the entries', async () => {
  const tsc = join(folder, 'node_modules/typescript/lib/tsc.js')
  await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', folder])
})

t.test('the fields arrive everywhere', async (t) => {
  const path = join(folder, 'test/catalogue/products/support/use-new-fields.ts')
  const { useNewFields }: typeof import('./support/use-new-fields.ts') = await import(path)
  await useNewFields(t)
})
