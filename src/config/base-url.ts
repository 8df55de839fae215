/**
 * Checks where an upstream is: its origin, with or without a path that its own paths are put behind.
 * @param name of the setting, for the message
 * @throws {Error} where it is not an http(s) URL, or holds credentials, a query or a fragment
 */
export function parseBaseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(text)
  // The text is not repeated: it may hold a password.
  if (!isPlain) throw new Error(`${name} must be an http or https URL without credentials, query and fragment`)
  return url.href
}
