import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'

/** Keeps tokens from whoever reads Redis, and names them. */
export interface TokenSeal {
  /** Tells these credentials and what they ask for from all others. It gives nothing away. */
  readonly name: string
  /** Tells a token from others, without being of use in its place. */
  idOf(token: string): string
  seal(token: string): string
  /** The token; undefined where that is none of ours, or has been changed. */
  open(sealed: string): string | undefined
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const NAME_BYTES = 16

/**
 * All keys come from the client secret (HKDF, RFC 5869), so that instances need no other secret, and one with another
 * secret has tokens of its own. A client secret is long and random by RFC 6749 (10.10): it is not found by trying.
 * @param randomBytes for an initialisation vector each time
 */
export function createTokenSeal(credentials: OAuthCredentials, randomBytes: (size: number) => Buffer): TokenSeal {
  const { tokenUrl, clientId, clientSecret, scope, audience } = credentials
  const salt = JSON.stringify([tokenUrl, clientId, scope, audience])
  const derive = (purpose: string, size: number) =>
    Buffer.from(hkdfSync('sha256', clientSecret, salt, `aisle access token ${purpose}`, size))
  const name = derive('name', NAME_BYTES).toString('base64url')
  const idKey = derive('id', KEY_BYTES)
  const sealKey = derive('seal', KEY_BYTES)

  return {
    name,

    idOf: (token) => createHmac('sha256', idKey).update(token).digest('base64url'),

    seal(token) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, sealKey, iv, { authTagLength: TAG_BYTES })
      const text = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')
    },

    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)]
      if (tag.length < TAG_BYTES) return undefined
      const decipher = createDecipheriv(ALGORITHM, sealKey, iv, { authTagLength: TAG_BYTES }).setAuthTag(tag)
      try {
        return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        // The tag does not fit: that is how GCM says so.
        return undefined
      }
    }
  }
}
