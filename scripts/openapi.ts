import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config/config.ts'
import { printHelp } from './command-line.ts'

const USAGE = `npm run openapi

Writes openapi.json from the schemas and routes, without a database or Redis.`

const TARGET = join(import.meta.dirname, '../openapi.json')

/** Addresses without a server: the document needs no data. */
const NOWHERE = {
  DB_SOCKET: '/nowhere',
  DB_USER: 'nobody',
  DB_NAME: 'nothing',
  REDIS_URL: '/nowhere',
  LOG_LEVEL: 'silent'
}

printHelp(USAGE)
const app = await buildApp(loadConfig(NOWHERE))
await app.ready()
await writeFile(TARGET, `${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
console.log('openapi.json written')
