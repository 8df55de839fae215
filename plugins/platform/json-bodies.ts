import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ProductInput, ProductPatch, StockAdjustment } from '../../schemas/product-inputs.ts'
import { WebhookReplay } from '../../schemas/webhook-inbox.ts'
import { createBodyValidator, readJson } from '../../src/platform/http/request-body.ts'

interface JsonBodyOptions {
  /** The largest body that is read; longer ones are a 413. */
  limitBytes: number
  /** `application/json` unless said. Bodies of other types are a 415. */
  contentTypes?: string[]
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Makes the routes of this scope read JSON strictly: UTF-8 only, no coercion of types, no rounding of numbers. The
     * bytes of the body stay in `request.bodyBytes`. To be called in the scope before its routes are declared.
     */
    takeJson(options: JsonBodyOptions): void
  }
  interface FastifyRequest {
    /** The body as it came, on routes that take JSON. */
    bodyBytes: Uint8Array | null
  }
}

/** `takeJson`, for routes with JSON bodies. */
export default fp(
  async (app) => {
    const compile = createBodyValidator([ProductInput, ProductPatch, StockAdjustment, WebhookReplay])
    app.decorateRequest('bodyBytes', null)
    app.decorate('takeJson', function (this: FastifyInstance, { limitBytes, contentTypes = ['application/json'] }) {
      this.removeAllContentTypeParsers()
      this.addContentTypeParser(
        contentTypes,
        { parseAs: 'buffer', bodyLimit: limitBytes },
        async (request: FastifyRequest, body: Buffer) => {
          request.bodyBytes = body
          return readJson(body, request.headers)
        }
      )
      this.setValidatorCompiler<object>(({ schema }) => compile(schema))
    })
  },
  { name: 'json-bodies' }
)
