/** Longer URLs are cut, so that clients do not decide how much is logged. */
const MAX_URL_LENGTH = 1024
const CENSOR = '[redacted]'

const SECRET = /key|token|secret|passw|pwd|signature|^sig$|auth|credential|cookie|session|jwt/i
/** A query that may contain a secret. Percent-encoded names may hide one; values do not matter. */
const SUSPICIOUS = /[?&][^=&]*?(?:%|key|token|secret|passw|pwd|sig|auth|credential|cookie|session|jwt)/i
const SLASH = 47

/**
 * Removes API keys from a URL.
 * @param isCut whether the URL was cut, so that it may end in the middle of a key
 */
export type RemoveKeys = (url: string, isCut: boolean) => string

/**
 * Redacts a URL for the log: without API keys, user and password, and the values of parameters that look like secrets; at
 * most 1,024 characters.
 */
export function redactUrl(url: string, withoutKeys: RemoveKeys): string {
  const isCut = url.length > MAX_URL_LENGTH
  const text = withoutKeys(isCut ? url.slice(0, MAX_URL_LENGTH) : url, isCut)
  const redacted = redactQuery(text.charCodeAt(0) === SLASH ? text : redactUserInfo(text))
  return isCut ? `${redacted}…` : redacted
}

function redactQuery(url: string): string {
  const start = url.indexOf('?')
  if (start === -1 || !SUSPICIOUS.test(url)) return url
  const pairs = url
    .slice(start + 1)
    .split('&')
    .map((pair) => {
      const [name = ''] = pair.split('=', 1)
      return name !== pair && SECRET.test(decode(name)) ? `${name}=${CENSOR}` : pair
    })
  return `${url.slice(0, start)}?${pairs.join('&')}`
}

/** A request may contain an absolute URL, as requests to a proxy do. */
function redactUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${CENSOR}@`)
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // Not percent-encoding: the name is used as it is.
    return name
  }
}

const SECRET_HEADERS = [
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'webhook-signature',
  'x-api-key',
  'x-hub-signature-256',
  'x-webhook-signature'
]
/** Where common packages put header fields in errors and log objects; a wildcard would slow down each request. */
const HOLDERS = ['', 'req.', 'request.', 'res.', 'response.', 'err.', 'err.request.', 'err.response.', 'err.options.']

/** The `redact` option of pino: header fields that contain secrets are never logged. */
export const redact = {
  paths: HOLDERS.flatMap((holder) => SECRET_HEADERS.map((name) => `${holder}headers["${name}"]`)),
  censor: CENSOR
}
