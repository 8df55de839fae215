import type { ProductListQuery } from '../../../schemas/products.ts'
import { encodeCursor } from '../../../src/catalogue/listing/query/cursor.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import type { Landmarks } from '../landmarks.ts'
import { eachSort, type Scenario } from '../scenario.ts'
import { DEEP_BACKWARD, DEEP_FORWARD } from './names.ts'

/** Creates the scenarios of deep pages, reached by a cursor in both directions. */
export function deepPageScenarios(landmarks: Landmarks): Scenario[] {
  const walks = { resource: 'list', floors: ['walk', 'walk, then rows'] } as const
  return [
    { name: DEEP_FORWARD, ...walks, question: (number) => deepQuery(landmarks, eachSort(number), false) },
    { name: DEEP_BACKWARD, ...walks, question: (number) => deepQuery(landmarks, eachSort(number), true) }
  ]
}

/** Returns a query with the cursor of a client that has read as far as the deep page. */
export function deepQuery(landmarks: Landmarks, query: ProductListQuery, backward: boolean): ProductListQuery {
  const { sort, fingerprint } = parseListQuery(query)
  return { ...query, cursor: encodeCursor({ ...landmarks.beforeDeepPage(sort), backward }, fingerprint) }
}
