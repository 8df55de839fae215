import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { productExample } from '../../../schemas/products.ts'
import { createAvailabilityFinder } from '../../../src/integrations/supplier/availability.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

const { id, sku, stock, updatedAt } = productExample
const fromCatalogue = { productId: id, sku, available: stock, source: 'catalogue', asOf: updatedAt }
const never = new Promise<never>(() => {})

t.test('the supplier gets what reading the product leaves of the deadline', async (t) => {
  const time = createVirtualTime()
  const outcomes: string[] = []
  const find = createAvailabilityFinder({
    async findProduct() {
      await time.advance(600)
      return productExample
    },
    askSupplier: () => never,
    deadlineMs: 800,
    ...time,
    onFound: (outcome) => outcomes.push(outcome)
  })
  const found = find(id, 0)
  while (time.timers === 0) await turn()
  await time.advance(199)
  t.same(outcomes, [])
  await time.advance(1)
  t.same(await found, fromCatalogue)
  t.same(outcomes, ['deadline'])
  t.equal(time.timers, 0)
})

t.test('after the deadline, a stock that is known already is still returned', async (t) => {
  const time = createVirtualTime()
  const find = createAvailabilityFinder({
    async findProduct() {
      await time.advance(1000)
      return productExample
    },
    askSupplier: async () => ({ outcome: 'live', available: 9, asOf: updatedAt }),
    deadlineMs: 800,
    ...time,
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
