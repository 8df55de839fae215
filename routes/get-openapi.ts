import type { FastifyPluginAsync } from 'fastify'

/** `GET /openapi.json`: the OpenAPI document, made once from the schemas of all routes. */
const route: FastifyPluginAsync = async (app) => {
  let document = ''
  app.addHook('onReady', async () => {
    document = JSON.stringify(app.swagger())
  })

  app.get(
    '/openapi.json',
    { config: { access: 'open', limits: 'docs' }, schema: { hide: true } },
    async (_request, reply) => {
      reply.type('application/json; charset=utf-8')
      return document
    }
  )
}

export default route
