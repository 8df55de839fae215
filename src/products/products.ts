import type { ProductPage } from '../../schemas/products.ts'
import type { FoundProduct } from './find-product.ts'
import type { ListQuery } from './list-query.ts'

/** Reading the catalogue. */
export interface Products {
  list(query: ListQuery): Promise<ProductPage>
  find(id: string): Promise<FoundProduct>
}
