import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Health, Liveness } from '../../schemas/health.ts'
import { problemResponse } from '../../schemas/problem.ts'
import { Ref } from '../../schemas/types.ts'
import type { HealthReport } from '../../src/platform/health/health-report.ts'

const tags = ['Operations']
const unreadable = problemResponse('The request could not be read.')
const reportResponses = {
  200: { description: 'ok or degraded', content: { 'application/json': { schema: Ref(Health) } } },
  '4xx': unreadable,
  503: { description: 'down or draining', content: { 'application/json': { schema: Ref(Health) } } }
}

/** Probes. They are exempt from every limit: an instance that is refused its probe is killed. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const report = app.getDecorator<HealthReport>('health')
  const { lifecycle } = app
  const config = { access: 'open', limits: 'exempt', pressureHandler: () => {} } as const
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })

  app.get(
    '/liveness',
    {
      config,
      schema: {
        operationId: 'getLiveness',
        summary: 'Is the process alive?',
        description: 'Touches no dependency: restart the process when this does not answer.',
        tags,
        response: {
          200: { description: 'alive', content: { 'application/json': { schema: Ref(Liveness) } } },
          '4xx': unreadable
        }
      }
    },
    async () => ({ status: 'ok' as const })
  )

  app.get(
    '/readiness',
    {
      config,
      schema: {
        operationId: 'getReadiness',
        summary: 'May this instance get requests?',
        description:
          'No (503) without MySQL, with pending migrations and while draining. Redis is not needed to be ready.',
        tags,
        response: reportResponses
      }
    },
    async (_request, reply) => {
      const health = await report()
      return answer(reply, lifecycle.isDraining ? { ...health, status: 'draining' } : health)
    }
  )

  app.get(
    '',
    {
      config,
      schema: {
        operationId: 'getHealth',
        summary: 'What state is each dependency in?',
        tags,
        response: reportResponses
      }
    },
    async (_request, reply) => answer(reply, await report())
  )
}

export default routes

function answer(reply: FastifyReply, health: Health): Health {
  reply.code(health.status === 'ok' || health.status === 'degraded' ? 200 : 503)
  return health
}
