import { type Static, Type } from '@sinclair/typebox'
import { PRICE_PATTERN } from './patterns.ts'
import { filterParameters } from './products.ts'

export const FacetsQuery = Type.Object(filterParameters, { additionalProperties: false })
export type FacetsQuery = Static<typeof FacetsQuery>

const count = Type.Integer({ minimum: 0, description: 'Products; rounded where `isExact` is false.' })
const price = (description: string) => Type.String({ pattern: PRICE_PATTERN, description })

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
          'The categories, of most products first, at most a thousand. They are counted without the filter by ' +
          'category, so that each count is that of the list with this category alone.'
      }),
      prices: Type.Array(PriceFacet, {
        description: 'The price bands that have products, ascending, within all filters.'
      })
    }),
    isExact: Type.Boolean({
      description: 'Whether all products were counted. Else counts are estimates from a sample of the catalogue.'
    })
  },
  {
    $id: 'Facets',
    description: 'How the products of a list are spread over categories and prices.',
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
