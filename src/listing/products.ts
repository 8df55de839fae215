import type { FoundProduct } from '../products/find-product.ts'
import type { ReadPage } from './list-products.ts'
import type { ListQuery } from './list-query.ts'

/** Reading the catalogue. */
export interface Products {
  list(query: ListQuery): Promise<ReadPage>
  find(id: string): Promise<FoundProduct>
}
