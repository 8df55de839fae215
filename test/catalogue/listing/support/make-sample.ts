import {
  type CatalogueSample,
  createSample,
  type SampledProduct
} from '../../../../src/catalogue/listing/plan/catalogue-sample.ts'
import { searchColumn } from '../../../../src/catalogue/search/search-words.ts'
import { signatureOf } from '../../../../src/catalogue/search/word-signature.ts'

export interface SampledFixture {
  name: string
  price?: string
  category?: string | null
}

/** Makes a sample of these products, the oldest first. */
export function makeSample(fixtures: readonly SampledFixture[], weight: number): CatalogueSample {
  return createSample(
    fixtures.map(({ name, price = '9.99', category = null }, index): SampledProduct => {
      const searchWords = searchColumn(name, null)
      const id = Buffer.from(index.toString(16).padStart(32, '0'), 'hex')
      const createdAt = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString()
      return {
        index,
        id,
        idText: id.toString('latin1'),
        name,
        nameWeight: name.toUpperCase(),
        price,
        priceValue: Number(price),
        category,
        createdAt,
        updatedAt: createdAt,
        searchWords,
        signature: signatureOf(searchWords)
      }
    }),
    weight
  )
}
