import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'

/** Encrypts the tokens of one set of credentials, so that nobody can use a token who can only read Redis. */
export interface TokenSeal {
  /** A name of the credentials, different for every other secret, client, scope and audience. It reveals none of them. */
  readonly name: string
  /** Returns an id of a token. It identifies the token and cannot be used in its place. */
  idOf(token: string): string
  /** Encrypts a token; the result is different every time. */
  seal(token: string): string
  /** Decrypts a token; returns undefined when it was sealed with other credentials, or changed. */
  open(sealed: string): string | undefined
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const NAME_BYTES = 16

/**
 * Makes the seal of some credentials, with AES-256-GCM. All keys are derived from the client secret (HKDF, RFC 5869):
 * instances need no other secret, and during a rotation the old and the new secret have a token each. This relies on a
 * long, random client secret, as RFC 6749 (10.10) requires.
 * @param randomBytes the source of initialisation vectors
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
        // GCM throws when the tag does not match.
        return undefined
      }
    }
  }
}
