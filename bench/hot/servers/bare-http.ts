import { createServer } from 'node:http'
import { JSON_TYPE, LIST_PATH, readAnswers } from '../answers.ts'

const { list, gzippedList, listEtag, detailPath, detail } = readAnswers()

createServer(({ url, headers }, response) => {
  response.setHeader('content-type', JSON_TYPE)
  if (url === detailPath) return response.setHeader('content-length', detail.length).end(detail)
  if (url !== LIST_PATH) return response.writeHead(404).end()
  if (headers['if-none-match'] === listEtag) return response.writeHead(304, { etag: listEtag }).end()
  if (headers['accept-encoding'] !== 'gzip') return response.setHeader('content-length', list.length).end(list)
  response.setHeader('content-encoding', 'gzip').setHeader('content-length', gzippedList.length).end(gzippedList)
}).listen(0, '127.0.0.1')
