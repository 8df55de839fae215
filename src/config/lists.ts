import { isIP } from 'node:net'

/** @throws {Error} where there is one that is no origin */
export function parseOrigins(text: string): string[] {
  const origins = splitList(text)
  const wrong = origins.find((origin) => origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin))
  if (wrong !== undefined)
    throw new Error(`CORS_ORIGINS must hold origins such as https://shop.example, or *, not ${wrong}`)
  return origins
}

/**
 * What Fastify takes as `trustProxy`: yes or no, a number of hops, or the addresses of the proxies.
 * @throws {Error} where it is none of them
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

/** What is between the commas. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
