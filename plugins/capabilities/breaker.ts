import fp from 'fastify-plugin'
import { addBreakerMetrics } from '../../src/integrations/upstream/breaker-metrics.ts'
import {
  type CircuitBreaker,
  createCircuitBreaker,
  type Transition
} from '../../src/integrations/upstream/circuit-breaker.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The circuit breaker of that name, made at its first use. A name is a label of metrics: never a client's text. */
    breaker(name: string): CircuitBreaker
  }
}

/** `breaker`: circuit breakers by name, of this instance alone: what fails for one may well work for another. */
export default fp(
  async (app) => {
    const { threshold, resetTimeoutMs } = app.config.breaker
    const breakers = new Map<string, CircuitBreaker>()
    addBreakerMetrics(app.metrics, breakers)

    app.decorate('breaker', (name) => {
      const known = breakers.get(name)
      if (known) return known
      const nowMs = () => performance.now()
      const onTransition = (transition: Transition) => logTransition(name, transition)
      const breaker = createCircuitBreaker({
        name,
        threshold,
        resetTimeoutMs,
        nowMs,
        random: Math.random,
        onTransition
      })
      breakers.set(name, breaker)
      return breaker
    })

    function logTransition(breaker: string, { from, to, openMs }: Transition): void {
      const details = { breaker, from, to, openMs }
      if (to === 'open') app.log.warn(details, `${breaker} fails, and is left alone for ${openMs} ms`)
      else if (to === 'half-open') app.log.info(details, `${breaker} is tried again`)
      else app.log.info(details, `${breaker} works again`)
    }
  },
  { name: 'breaker', dependencies: ['metrics'] }
)
