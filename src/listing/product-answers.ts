import { createHash } from 'node:crypto'
import { productKey, type Subject } from '../cache/subject.ts'
import { bodyOf, weakEtag } from '../http/answer.ts'
import { encodeCursor } from './cursor.ts'
import { linkHeader } from './link-header.ts'
import type { ListQuery } from './list-query.ts'
import { touchingPage } from './page-span.ts'
import type { Products } from './products.ts'
import { serialisePage, serialiseProduct } from '../products/serialise-products.ts'

/** What requests for products ask the cache for. */
export interface ProductAnswers {
  /** @param path of the list, for its links */
  list(query: ListQuery, path: string): Subject
  /** @param id in either case */
  product(id: string): Subject
}

interface ProductAnswersOptions {
  listTtlMs: number
  productTtlMs: number
}

export function productAnswers(products: Products, { listTtlMs, productTtlMs }: ProductAnswersOptions): ProductAnswers {
  return {
    list: (query, path) => ({
      key: listKey(query),
      productId: null,
      ttlMs: listTtlMs,
      touching: ({ span = [null, null] }) => touchingPage(query, span),
      async load() {
        const { page, span } = await products.list(query)
        const body = bodyOf(serialisePage(page))
        return { body, etag: weakEtag(body), link: linkHeader(path, query.canonical, page.pagination), span }
      }
    }),

    product(id) {
      const productId = id.replaceAll('-', '').toLowerCase()
      return {
        key: productKey(productId),
        productId,
        touching: () => (change) => change.id === productId,
        ttlMs: productTtlMs,
        async load() {
          const { product, etag } = await products.find(id)
          const lastModified = new Date(product.updatedAt).toUTCString()
          return { body: bodyOf(serialiseProduct(product)), etag, lastModified }
        }
      }
    }
  }
}

function listKey({ canonical, from, fingerprint }: ListQuery): string {
  const cursor = from === null ? '' : encodeCursor(from, fingerprint)
  return `list:${createHash('sha256').update(`${canonical} ${cursor}`).digest('base64url')}`
}
