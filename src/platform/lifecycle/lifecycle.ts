/** Where the service is in its life. */
export interface Lifecycle {
  /** From the first signal to stop on: readiness says no, requests are still served. */
  isDraining: boolean
  beginDraining(): void
  /** From now on the listener is told when draining begins: what only waits is to end then. */
  onDraining(listener: () => void): void
}

export function createLifecycle(): Lifecycle {
  const listeners: (() => void)[] = []
  return {
    isDraining: false,
    beginDraining() {
      this.isDraining = true
      for (const listener of listeners) listener()
    },
    onDraining(listener) {
      listeners.push(listener)
    }
  }
}
