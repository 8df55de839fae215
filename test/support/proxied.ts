import type { NetConnectOpts } from 'node:net'
import type { Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'

export interface Proxied {
  /** The same, with both servers behind proxies. */
  config: Config
  mysql: FaultProxy
  redis: FaultProxy
}

/** Puts proxies between the service and its servers. */
export async function proxied(t: Test, config: Config): Promise<Proxied> {
  const mysql = await faultProxy(t, mysqlAddress(config.mysql))
  const redis = await faultProxy(t, redisAddress(config.redis.url))
  const { user, password, database, ca, connectionLimit, queueLimit, queryTimeoutMs } = config.mysql
  const limits = { connectionLimit, queueLimit, queryTimeoutMs }
  return {
    config: {
      ...config,
      mysql: { host: mysql.host, port: mysql.port, user, password, database, ca, ...limits },
      redis: { ...config.redis, url: `redis://${redis.host}:${redis.port}` }
    },
    mysql,
    redis
  }
}

function mysqlAddress(mysql: Config['mysql']): NetConnectOpts {
  return 'socketPath' in mysql ? { path: mysql.socketPath } : { host: mysql.host, port: mysql.port }
}

function redisAddress(url: string): NetConnectOpts {
  if (url.startsWith('/')) return { path: url }
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port || 6379) }
}
