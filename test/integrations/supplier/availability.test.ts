import t from 'tap'
import { productExample } from '../../../schemas/products.ts'
import { createAvailabilityFinder } from '../../../src/integrations/supplier/availability.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'

const { id, sku, stock, updatedAt } = productExample
const fromCatalogue = { productId: id, sku, available: stock, source: 'catalogue', asOf: updatedAt }
const never = new Promise<never>(() => {})

t.test('what the catalogue takes of the deadline, the supplier does not have', async (t) => {
  let now = 0
  const outcomes: string[] = []
  const find = createAvailabilityFinder({
    async findProduct() {
      now += 3_599_990
      return productExample
    },
    askSupplier: () => never,
    deadlineMs: 3_600_000,
    nowMs: () => now,
    onFound: (outcome) => outcomes.push(outcome)
  })
  t.same(await find(id, 0), fromCatalogue)
  t.same(outcomes, ['deadline'])
})

t.test('after the deadline, what is known already is still said', async (t) => {
  let now = 0
  const find = createAvailabilityFinder({
    async findProduct() {
      now += 1000
      return productExample
    },
    askSupplier: async () => ({ outcome: 'live', available: 9, asOf: updatedAt }),
    deadlineMs: 800,
    nowMs: () => now,
    onFound: () => {}
  })
  t.match(await find(id, 0), { available: 9, source: 'live' })
})

t.test('an error of the catalogue is one', async (t) => {
  const find = createAvailabilityFinder({
    findProduct: () => Promise.reject(new AppError('product-not-found', 'There is none.')),
    askSupplier() {
      t.fail('nobody is asked')
      return never
    },
    deadlineMs: 800,
    nowMs: () => 0,
    onFound: () => t.fail('nothing was found')
  })
  await t.rejects(find(id, 0), { code: 'product-not-found' })
})
