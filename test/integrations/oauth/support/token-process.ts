import { startInstance } from './instance.ts'

/** An instance in a process of its own. It says that it is ready, and then gives its parent as many tokens as it asks for. */
const instance = await startInstance(JSON.parse(process.argv[2] ?? '{}'))
process.on('message', async (callers: number) => {
  process.send?.(await Promise.all(Array.from({ length: callers }, () => instance.get())))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
