import { type Static, Type } from '@sinclair/typebox'

const path = (description: string) => Type.String({ description })

export const ServiceIndex = Type.Object(
  {
    name: Type.String({ description: 'The name of the service.' }),
    version: Type.String({ description: 'Its release.' }),
    links: Type.Object({
      products: path('The product list.'),
      facets: path('Counts of products by category and price.'),
      openapi: path('The OpenAPI document.'),
      docs: path('The API reference, for people.'),
      health: path('The state of this instance and its dependencies.')
    })
  },
  {
    $id: 'ServiceIndex',
    description: 'Where to begin. Links are paths on this server.',
    examples: [
      {
        name: 'Aisle',
        version: '0.2.0',
        links: {
          products: '/api/v1/products',
          facets: '/api/v1/products/facets',
          openapi: '/openapi.json',
          docs: '/docs',
          health: '/health'
        }
      }
    ]
  }
)
export type ServiceIndex = Static<typeof ServiceIndex>
