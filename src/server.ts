import { ConfigError, loadConfig } from './config/config.ts'
import { serve } from './serve.ts'

try {
  await serve(loadConfig(process.env))
} catch (error) {
  // A wrong configuration and an address in use are the operator's to mend; a stack would hide the reason.
  const isExpected = error instanceof ConfigError || (error instanceof Error && 'syscall' in error)
  console.error(isExpected ? error.message : error)
  process.exit(1)
}
