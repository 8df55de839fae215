import fp from 'fastify-plugin'
import {
  type CircuitBreaker,
  createBreakers,
  type Transition
} from '../../src/integrations/upstream/circuit-breaker.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the circuit breaker of a name, which is a label of metrics: never text of a client. */
    breaker(name: string): CircuitBreaker
  }
}

/** `breaker`: circuit breakers by name, for this instance only: what fails for one instance may work for another. */
export default fp(
  async (app) => {
    app.decorate(
      'breaker',
      createBreakers({ ...app.config.breaker, metrics: app.metrics, onTransition: logTransition })
    )

    function logTransition(breaker: string, { from, to, openMs }: Transition): void {
      const details = { breaker, from, to, openMs }
      if (to === 'open') app.log.warn(details, `${breaker} fails: its circuit breaker is open for ${openMs} ms`)
      else if (to === 'half-open') app.log.info(details, `${breaker} is tried again`)
      else app.log.info(details, `${breaker} works again`)
    }
  },
  { name: 'breaker', dependencies: ['metrics'] }
)
