import { type Static, Type } from '@sinclair/typebox'
import { StringEnum } from './types.ts'

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
