import { type Static, Type } from '@sinclair/typebox'
import { problemResponse } from './problem.ts'
import { Ref, StringEnum } from './types.ts'

const Check = Type.Object({
  status: StringEnum(['ok', 'down'], { description: 'Whether it answered within its bound.' }),
  latencyMs: Type.Number({ minimum: 0, description: 'How long the last check took.' })
})

const Migrations = Type.Object({
  status: StringEnum(['ok', 'pending', 'unknown'], { description: 'Whether the schema is that of this release.' })
})

const Supplier = Type.Object({
  status: StringEnum(['ok', 'down'], {
    description: 'Whether its last calls went well, as its circuit breaker has them.'
  }),
  breaker: StringEnum(['closed', 'open', 'half-open'], { description: 'closed: it is called.' })
})

export const Health = Type.Object(
  {
    status: StringEnum(['ok', 'degraded', 'down', 'draining'], {
      description: 'degraded: slower or less safe, but serving; down and draining: send no requests here.'
    }),
    checks: Type.Object({ mysql: Check, redis: Check, migrations: Migrations, supplier: Type.Optional(Supplier) })
  },
  {
    $id: 'Health',
    description: 'The state of this instance and of what it depends on.',
    examples: [
      {
        status: 'ok',
        checks: {
          mysql: { status: 'ok', latencyMs: 0.4 },
          redis: { status: 'ok', latencyMs: 0.2 },
          migrations: { status: 'ok' },
          supplier: { status: 'ok', breaker: 'closed' }
        }
      }
    ]
  }
)
export type Health = Static<typeof Health>

export const Liveness = Type.Object(
  { status: Type.Literal('ok') },
  { $id: 'Liveness', description: 'The process runs its event loop.', examples: [{ status: 'ok' }] }
)

/** The problem of a probe that is not valid HTTP. */
export const unreadableRequest = problemResponse('The request could not be read.')

/** The responses of the routes that report health. */
export const healthResponses = {
  200: { description: 'ok or degraded', content: { 'application/json': { schema: Ref(Health) } } },
  '4xx': unreadableRequest,
  503: { description: 'down or draining', content: { 'application/json': { schema: Ref(Health) } } }
}

/** The HTTP status of a health report: 200 while the instance can serve, else 503. */
export function healthStatus({ status }: Health): 200 | 503 {
  return status === 'ok' || status === 'degraded' ? 200 : 503
}
