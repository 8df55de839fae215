/** Lets calls of an upstream pass as ours, and is told when they do not. A token manager is one. */
export interface Authorizer {
  /**
   * The header fields that authorize a call.
   * @param signal ends the waiting for them, with its reason
   */
  headers(signal: AbortSignal): Promise<Record<string, string>>
  /**
   * The upstream has answered a call with these header fields with 401: they, and no others, are not to be given again.
   * @param headers as `headers` gave them
   */
  rejected(headers: Readonly<Record<string, string>>): Promise<void>
}
