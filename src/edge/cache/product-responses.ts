import { hash } from 'node:crypto'
import { encodeCursor } from '../../catalogue/listing/query/cursor.ts'
import type { Filters, ListQuery, Sort } from '../../catalogue/listing/query/list-query.ts'
import { listProducts } from '../../catalogue/listing/read/list-products.ts'
import { affectsPage, UNBOUNDED } from '../../catalogue/listing/read/page-changes.ts'
import { readFacets } from '../../catalogue/listing/read/read-facets.ts'
import type { ListReader } from '../../catalogue/listing/read/read-list.ts'
import { findProduct } from '../../catalogue/products/find-products.ts'
import { serialiseFacets, serialisePage, serialiseProduct } from '../../catalogue/products/serialise-products.ts'
import { bodyOf } from '../../platform/http/json-body.ts'
import { type Cacheable, productKey } from './cacheable.ts'
import { weakEtag } from './cached-response.ts'
import { linkHeader } from './link-header.ts'

/** What requests for products ask the cache for. */
export interface ProductResponses {
  /** @param path of the list, for its links */
  list(query: ListQuery, path: string): Cacheable
  facets(filters: Filters): Cacheable
  /** @param id in either case */
  product(id: string): Cacheable
}

/** Whatever it is, all products are in it. */
const ANY_SORT: Sort = { key: 'createdAt', order: 'desc' }

interface ProductAnswersOptions {
  listTtlMs: number
  productTtlMs: number
}

export function createProductResponses(
  reader: ListReader,
  { listTtlMs, productTtlMs }: ProductAnswersOptions
): ProductResponses {
  return {
    list: (query, path) => ({
      key: listKey(query),
      productId: null,
      ttlMs: listTtlMs,
      affectedBy: ({ sortRange = UNBOUNDED }) => affectsPage(query, sortRange),
      async load() {
        const { page, sortRange } = await listProducts(reader, query)
        const body = bodyOf(serialisePage(page))
        return {
          body,
          etag: weakEtag(body),
          link: linkHeader(path, query.canonical, page.pagination),
          sortRange
        }
      }
    }),

    facets: (filters) => ({
      key: keyOf('facets', JSON.stringify(filters)),
      productId: null,
      ttlMs: listTtlMs,
      affectedBy: () => affectsPage({ ...filters, categories: [], sort: ANY_SORT }, UNBOUNDED),
      async load() {
        const body = bodyOf(serialiseFacets(await readFacets(reader, filters)))
        return { body, etag: weakEtag(body) }
      }
    }),

    product(id) {
      const productId = id.replaceAll('-', '').toLowerCase()
      return {
        key: productKey(productId),
        productId,
        affectedBy: () => (change) => change.id === productId,
        ttlMs: productTtlMs,
        async load() {
          const { product, etag } = await findProduct(reader.database, id)
          const lastModified = new Date(product.updatedAt).toUTCString()
          return { body: bodyOf(serialiseProduct(product)), etag, lastModified }
        }
      }
    }
  }
}

function listKey({ canonical, from, fingerprint }: ListQuery): string {
  const cursor = from === null ? '' : encodeCursor(from, fingerprint)
  return keyOf('list', `${canonical} ${cursor}`)
}

function keyOf(kind: 'list' | 'facets', query: string): string {
  return `${kind}:${hash('sha256', query, 'base64url')}`
}
