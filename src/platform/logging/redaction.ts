/** Longer URLs are cut: no client decides how much is written. */
const MAX_URL_LENGTH = 1024
const CENSOR = '[redacted]'

const SECRET = /key|token|secret|passw|pwd|signature|^sig$|auth|credential|cookie|session|jwt/i
/** A query that may hold a secret. Names can hide in percent-encoding, values cannot mislead. */
const SUSPICIOUS = /[?&][^=&]*?(?:%|key|token|secret|passw|pwd|sig|auth|credential|cookie|session|jwt)/i
const SLASH = 47

/**
 * Removes the API keys from a URL.
 * @param isCut whether the URL was cut, so that it may end in the middle of a key
 */
export type RemoveKeys = (url: string, isCut: boolean) => string

/**
 * Makes a URL fit for the log: without API keys, without the values of parameters that look like secrets, without a
 * password, and of at most 1,024 characters.
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

/** A request may name the whole URL, as those to a proxy do. */
function redactUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${CENSOR}@`)
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // No encoding of anything: it is looked at as it is.
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
/** What holds header fields in errors and messages of common packages; a wildcard would cost each request. */
const HOLDERS = ['', 'req.', 'request.', 'res.', 'response.', 'err.', 'err.request.', 'err.response.', 'err.options.']

/** For pino: header fields that are secrets are not written, whoever logs them. */
export const redact = {
  paths: HOLDERS.flatMap((holder) => SECRET_HEADERS.map((name) => `${holder}headers["${name}"]`)),
  censor: CENSOR
}
