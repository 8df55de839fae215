import type { Pagination } from '../../../schemas/products.ts'

/**
 * The pages around a page as a `Link` header (RFC 8288), relative to the host that the client knows.
 * @param path of the list
 * @param query without a cursor
 */
export function linkHeader(path: string, query: string, { nextCursor, prevCursor }: Pagination): string {
  const link = (rel: string, cursor: string | null) => {
    const params = [query, cursor && `cursor=${cursor}`].filter(Boolean).join('&')
    return `<${params === '' ? path : `${path}?${params}`}>; rel="${rel}"`
  }
  const links = [link('first', null)]
  if (prevCursor !== null) links.push(link('prev', prevCursor))
  if (nextCursor !== null) links.push(link('next', nextCursor))
  return links.join(', ')
}
