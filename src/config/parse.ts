import { isIP } from 'node:net'

/** Splits a setting at its commas; spaces around an item do not count, and empty items are left out. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/**
 * Parses `CORS_ORIGINS`.
 * @returns origins such as `https://shop.example`, or `*`
 * @throws {Error} for an item that is neither
 */
export function parseOrigins(text: string): string[] {
  const origins = splitList(text)
  const wrong = origins.find((origin) => origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin))
  if (wrong !== undefined)
    throw new Error(`CORS_ORIGINS must hold origins such as https://shop.example, or *, not ${wrong}`)
  return origins
}

/**
 * Parses `TRUST_PROXY` into what Fastify takes as `trustProxy`: a boolean, a test for a number of hops, or the addresses
 * of the proxies.
 * @throws {Error} when it is none of them
 */
export function parseTrustProxy(text: string): boolean | string[] | ((address: string, hop: number) => boolean) {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[1-9][0-9]?$/.test(text)) return (_address, hop) => hop < Number(text)
  const proxies = splitList(text)
  if (proxies.length > 0 && proxies.every(isAddressOrRange)) return proxies
  throw new Error(`TRUST_PROXY must be true, false, a number of hops, or addresses and CIDR ranges, not ${text}`)
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/**
 * Parses the base URL of another service: an origin, with or without a path to which the paths of its resources are
 * appended.
 * @param name of the setting, for the message
 * @throws {Error} when it is not an http(s) URL, or has credentials, a query or a fragment
 */
export function parseBaseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(text)
  // The text is not repeated: it may hold a password.
  if (!isPlain) throw new Error(`${name} must be an http or https URL without credentials, query and fragment`)
  return url.href
}
