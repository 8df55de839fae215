const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/
const BASE64_PREFIX = 'whsec_'
/** The minimum of Standard Webhooks. */
const MIN_BYTES = 24

/**
 * Decodes the secrets that webhooks are signed with: `whsec_` and base64, as in Standard Webhooks, or text whose UTF-8
 * bytes are the secret.
 * @throws {Error} that names the setting and the position of the secret, not the secret
 */
export function readSecrets(texts: readonly string[]): Buffer[] {
  return texts.map((text, place) => {
    if (!text.startsWith(BASE64_PREFIX)) return Buffer.from(text)
    const encoded = text.slice(BASE64_PREFIX.length)
    if (encoded === '' || !BASE64.test(encoded)) {
      throw new Error(`WEBHOOK_SECRET must have base64 after ${BASE64_PREFIX}; secret ${place + 1} does not`)
    }
    return Buffer.from(encoded, 'base64')
  })
}

/** Returns a warning, a sentence, for each secret that is too short. */
export function secretWarnings(secrets: readonly Buffer[]): string[] {
  return secrets.flatMap(({ length }, place) =>
    length < MIN_BYTES
      ? [`WEBHOOK_SECRET: secret ${place + 1} has ${length} bytes; it should have at least ${MIN_BYTES}`]
      : []
  )
}
