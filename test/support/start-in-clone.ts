import { type Run, runNpm } from './run-in-clone.ts'

/** Runs `npm start` in a clone, on a port that the system picks, and waits until it serves. */
export async function start(clone: string, env: NodeJS.ProcessEnv = {}): Promise<{ run: Run; url: string }> {
  const run = runNpm(clone, ['start'], { PORT: '0', ...env })
  const [, url = ''] = await run.untilOutput(/health +(http\S+)\/health/)
  return { run, url }
}
