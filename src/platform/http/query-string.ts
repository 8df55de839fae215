/**
 * Finds a parameter of a query string that is not percent-encoded UTF-8.
 * @param url with a `?`
 * @returns the parameter's name as it was sent; undefined where all can be decoded
 */
export function findUndecodable(url: string): string | undefined {
  const start = url.indexOf('?')
  if (!url.includes('%', start)) return undefined
  const pair = url
    .slice(start + 1)
    .split('&')
    .find((pair) => !isDecodable(pair))
  return pair?.split('=', 1)[0]
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    // decodeURIComponent has no other way to say no.
    return false
  }
}
