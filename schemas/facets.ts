import { type Static, Type } from '@sinclair/typebox'
import { PRICE_PATTERN } from './patterns.ts'
import { filterParameters } from './products.ts'

export const FacetsQuery = Type.Object(filterParameters, { additionalProperties: false })
export type FacetsQuery = Static<typeof FacetsQuery>

const count = Type.Integer({ minimum: 0, description: 'The number of products; rounded when `isExact` is false.' })
const price = (description: string) => Type.String({ pattern: PRICE_PATTERN, description })

/** A price band with the number of its products. */
export const PriceFacet = Type.Object({
  from: price('The lowest price of the band: a `minPrice`.'),
  to: price('The highest price of the band: a `maxPrice`.'),
  count
})
export type PriceFacet = Static<typeof PriceFacet>

export const Facets = Type.Object(
  {
    data: Type.Object({
      categories: Type.Array(Type.Object({ value: Type.String(), count }), {
        description:
          'At most a thousand categories, those with the most products first. The category filter is ignored here, so ' +
          'each count is that of the list with only this category.'
      }),
      prices: Type.Array(PriceFacet, {
        description: 'The price bands that have products, ascending. All filters apply.'
      })
    }),
    isExact: Type.Boolean({
      description:
        'Whether all products were counted; otherwise the counts are estimates from a sample of the catalogue.'
    })
  },
  {
    $id: 'Facets',
    description: 'The products of a list, counted by category and by price.',
    examples: [
      {
        data: {
          categories: [{ value: 'Beverages', count: 1204 }],
          prices: [
            { from: '5.00', to: '9.99', count: 310 },
            { from: '10.00', to: '19.99', count: 894 }
          ]
        },
        isExact: true
      }
    ]
  }
)
export type Facets = Static<typeof Facets>
