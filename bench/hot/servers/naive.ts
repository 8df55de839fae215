import compress from '@fastify/compress'
import cors from '@fastify/cors'
import etag from '@fastify/etag'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import redis from '@fastify/redis'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { JSON_TYPE, LIST_PATH, readAnswers } from '../answers.ts'

// The features of Aisle, from one package each with its defaults, and the responses in Redis.
const TTL_SECONDS = 3600
const MAX_REQUESTS = 1_000_000_000

const { list, detailPath, detail } = readAnswers()
const client = new Redis(process.env.REDIS_URL ?? '', { keyPrefix: process.env.REDIS_KEY_PREFIX ?? '' })
await client.set('list', list, 'EX', TTL_SECONDS)
await client.set('detail', detail, 'EX', TTL_SECONDS)

const app = Fastify({ logger: true })
await app.register(redis, { client })
await app.register(helmet)
await app.register(cors)
await app.register(rateLimit, { redis: client, max: MAX_REQUESTS })
await app.register(etag)
await app.register(compress)

app.get(new URL(LIST_PATH, 'http://localhost').pathname, async (_request, reply) =>
  reply.type(JSON_TYPE).send(await app.redis.get('list'))
)
app.get(detailPath.replace(/[^/]+$/, ':id'), async (_request, reply) =>
  reply.type(JSON_TYPE).send(await app.redis.get('detail'))
)

await app.listen({ port: 0, host: '127.0.0.1' })
