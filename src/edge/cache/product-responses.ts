import { hash } from 'node:crypto'
import type { Pagination } from '../../../schemas/products.ts'
import { encodeCursor } from '../../catalogue/listing/query/cursor.ts'
import type { Filters, ListQuery, Sort } from '../../catalogue/listing/query/list-query.ts'
import { affectsPage, listProducts, UNBOUNDED } from '../../catalogue/listing/read/list-products.ts'
import { readFacets } from '../../catalogue/listing/read/read-facets.ts'
import type { ListReader } from '../../catalogue/listing/read/read-list.ts'
import { findProduct } from '../../catalogue/products/find-products.ts'
import { serialiseFacets, serialisePage, serialiseProduct } from '../../catalogue/products/serialise-products.ts'
import { bodyOf } from '../../platform/http/request-body.ts'
import { type Cacheable, productKey, weakEtag } from './cached-response.ts'

/** The path of the product list; those of products begin with it. */
export const PRODUCTS_PATH = '/api/v1/products'

/** The responses about products that are cached. */
export interface ProductResponses {
  /**
   * Returns a page of the product list.
   * @param path the path of the list, for its links
   */
  list(query: ListQuery, path: string): Cacheable
  /** Returns the facets of a list. */
  facets(filters: Filters): Cacheable
  /**
   * Returns a product.
   * @param id its UUID, in upper or lower case
   */
  product(id: string): Cacheable
}

/** Facets do not depend on a sort order: without bounds, every order contains all products. */
const ANY_SORT: Sort = { key: 'createdAt', order: 'desc' }

interface ProductResponsesOptions {
  listTtlMs: number
  productTtlMs: number
}

/** Creates the responses about products: their cache keys, what affects them, and how they are loaded. */
export function createProductResponses(
  reader: ListReader,
  { listTtlMs, productTtlMs }: ProductResponsesOptions
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

/** Writes the `Link` field of a page (RFC 8288), relative to the host that the client knows. */
function linkHeader(path: string, query: string, { nextCursor, prevCursor }: Pagination): string {
  const link = (rel: string, cursor: string | null) => {
    const params = [query, cursor && `cursor=${cursor}`].filter(Boolean).join('&')
    return `<${params === '' ? path : `${path}?${params}`}>; rel="${rel}"`
  }
  const links = [link('first', null)]
  if (prevCursor !== null) links.push(link('prev', prevCursor))
  if (nextCursor !== null) links.push(link('next', nextCursor))
  return links.join(', ')
}
