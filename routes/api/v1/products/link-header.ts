import type { Pagination } from '../../../../schemas/products.ts'

/** The pages around a page as a `Link` header (RFC 8288), relative to the host that the client knows. */
export function linkHeader(url: string, { nextCursor, prevCursor }: Pagination): string {
  const [path = '', query = ''] = url.split('?', 2)
  const link = (rel: string, cursor: string | null) => {
    const params = new URLSearchParams(query)
    params.delete('cursor')
    if (cursor !== null) params.set('cursor', cursor)
    return `<${params.size === 0 ? path : `${path}?${params}`}>; rel="${rel}"`
  }
  const links = [link('first', null)]
  if (prevCursor !== null) links.push(link('prev', prevCursor))
  if (nextCursor !== null) links.push(link('next', nextCursor))
  return links.join(', ')
}
