import type { preValidationHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { unknownParameters } from '../../src/platform/errors/app-error.ts'

/** Refuses query parameters on routes that take none: one that nobody knows is an error, wherever it comes. */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      const { schema, config, preValidation = [] } = route
      // What others bring, such as the files of the reference page, is theirs.
      if (schema === undefined || schema.hide || schema.querystring !== undefined) return
      // A probe that adds something against caches on its way asks for the same.
      if (config?.limits === 'exempt') return
      route.preValidation = [refuseParameters, ...[preValidation].flat()]
    })
  },
  { name: 'query-parameters' }
)

const refuseParameters: preValidationHookHandler = (request, _reply, done) => {
  const names = Object.keys(request.query as object)
  done(names.length === 0 ? undefined : unknownParameters(names))
}
