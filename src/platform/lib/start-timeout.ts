/**
 * Does something after a time, unless it is cancelled before. After a long time on other work timers come first: what has
 * arrived meanwhile is read before it is missed.
 * @returns cancels it
 */
export function startTimeout(expire: () => void, delayMs: number): () => void {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    immediate = setImmediate(expire)
  }, delayMs)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}
