/** An OAuth 2.0 client and what it requests (client credentials grant: RFC 6749, 4.4). */
export interface OAuthCredentials {
  tokenUrl: string
  clientId: string
  clientSecret: string
  scope: string | undefined
  audience: string | undefined
  /** How the client authenticates: `basic` in a header, `post` in the body (RFC 6749, 2.3.1). */
  clientAuth: 'basic' | 'post'
}

interface OauthVariables {
  OAUTH_TOKEN_URL?: string
  OAUTH_CLIENT_ID?: string
  OAUTH_CLIENT_SECRET?: string
  OAUTH_SCOPE?: string
  OAUTH_AUDIENCE?: string
  OAUTH_CLIENT_AUTH: OAuthCredentials['clientAuth']
}

/**
 * Reads the credentials from the settings.
 * @returns null when no provider is configured
 * @throws {Error} when they are incomplete, or the URL is not valid; the message does not repeat the URL, which may
 * contain a secret
 */
export function readCredentials(variables: OauthVariables): OAuthCredentials | null {
  const { OAUTH_TOKEN_URL: tokenUrl, OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret } = variables
  if (tokenUrl === undefined) return null
  if (!isHttpUrl(tokenUrl)) throw new Error('OAUTH_TOKEN_URL must be an http or https URL without user and password')
  if (clientId === undefined) throw new Error('OAUTH_CLIENT_ID is required with OAUTH_TOKEN_URL')
  if (clientSecret === undefined) throw new Error('OAUTH_CLIENT_SECRET is required with OAUTH_TOKEN_URL')
  const { OAUTH_SCOPE: scope, OAUTH_AUDIENCE: audience, OAUTH_CLIENT_AUTH: clientAuth } = variables
  return { tokenUrl, clientId, clientSecret, scope, audience, clientAuth }
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}
