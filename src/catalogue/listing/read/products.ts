import type { Facets } from '../../../../schemas/facets.ts'
import type { FoundProduct } from '../../products/find-product.ts'
import type { Filters } from '../query/filters.ts'
import type { ListQuery } from '../query/list-query.ts'
import type { ReadPage } from './list-products.ts'

/** Reading the catalogue. */
export interface Products {
  list(query: ListQuery): Promise<ReadPage>
  facets(filters: Filters): Promise<Facets>
  find(id: string): Promise<FoundProduct>
}
