import Fastify from 'fastify'
import { JSON_TYPE, LIST_PATH, readAnswers } from '../answers.ts'

const { list, gzippedList, listEtag, detailPath, detail } = readAnswers()
const app = Fastify()

app.get(new URL(LIST_PATH, 'http://localhost').pathname, ({ headers }, reply) => {
  if (headers['if-none-match'] === listEtag) return reply.code(304).header('etag', listEtag).send()
  if (headers['accept-encoding'] !== 'gzip') return reply.type(JSON_TYPE).send(list)
  return reply.type(JSON_TYPE).header('content-encoding', 'gzip').send(gzippedList)
})
app.get(detailPath.replace(/[^/]+$/, ':id'), (_request, reply) => reply.type(JSON_TYPE).send(detail))

await app.listen({ port: 0, host: '127.0.0.1' })
