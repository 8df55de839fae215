import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config/config.ts'

const TARGET = join(import.meta.dirname, '../openapi.json')

/** The document comes from the schemas alone, so nothing listens at these addresses. */
const NOWHERE = {
  DB_SOCKET: '/nowhere',
  DB_USER: 'nobody',
  DB_NAME: 'nothing',
  REDIS_URL: '/nowhere',
  LOG_LEVEL: 'silent'
}

const app = await buildApp(loadConfig(NOWHERE))
await app.ready()
await writeFile(TARGET, `${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
console.log('openapi.json is written')
