import fp from 'fastify-plugin'
import { parameterError } from '../../src/platform/errors/app-error.ts'

/** Refuses a query string that is no percent-encoded UTF-8; the parser would take its bytes for the text itself. */
export default fp(
  async (app) => {
    app.addHook('preValidation', (request, _reply, done) => {
      const { url } = request
      const start = url.indexOf('?')
      if (start === -1 || !url.includes('%', start)) return done()
      const malformed = url
        .slice(start + 1)
        .split('&')
        .find((pair) => !isDecodable(pair))
      if (malformed === undefined) return done()
      done(parameterError(malformed.split('=', 1)[0] ?? '', 'must be percent-encoded UTF-8'))
    })
  },
  { name: 'query-encoding' }
)

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    // decodeURIComponent has no other way to say no.
    return false
  }
}
