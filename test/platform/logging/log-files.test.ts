import { spawnSync } from 'node:child_process'
import { openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ConfigError, loadConfig } from '../../../src/config/config.ts'
import { openLogStream } from '../../../src/platform/logging/log-stream.ts'
import { SERVER } from '../../support/service.ts'
import { waitFor } from '../../support/wait-for.ts'

const required = { DB_HOST: 'db', DB_USER: 'aisle', DB_NAME: 'aisle', REDIS_URL: 'redis://cache:6379' }
const INFO = 30
const ERROR = 50

/** As the service writes it, in local time. */
function today(): string {
  const now = new Date()
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}

function open(path: string, settings: Record<string, string> = {}) {
  return openLogStream(loadConfig({ ...required, LOG_FILE_PATH: path, ...settings }).log)
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const filesOf = (folder: string, pattern: RegExp) => readdirSync(folder).filter((name) => pattern.test(name))

t.test('a file of the day has everything, another one the errors', async (t) => {
  // The folder is not there yet.
  const folder = join(t.testdir(), 'logs', 'aisle')
  const log = await open(join(folder, 'aisle.log'))
  log.append(INFO, '{"a":1}\n')
  log.append(ERROR, '{"b":2}\n')
  log.append(INFO, '{"c":3}\n')
  await log.flushAll()
  t.same(readdirSync(folder).sort(), [`aisle.${today()}.1.log`, `aisle.error.${today()}.1.log`])
  t.equal(read(folder, `aisle.${today()}.1.log`), '{"a":1}\n{"b":2}\n{"c":3}\n')
  t.equal(read(folder, `aisle.error.${today()}.1.log`), '{"b":2}\n')

  const again = await open(join(folder, 'aisle.log'))
  again.append(INFO, '{"d":4}\n')
  await again.flushAll()
  t.match(read(folder, `aisle.${today()}.1.log`), '{"d":4}', 'a later process goes on with it')
})

t.test('a name without an extension, and one with several dots', async (t) => {
  const folder = t.testdir()
  for (const name of ['plain', 'shop.eu.log']) await open(join(folder, name))
  t.same(readdirSync(folder).sort(), [
    `plain.${today()}.1.log`,
    `plain.error.${today()}.1.log`,
    `shop.eu.${today()}.1.log`,
    `shop.eu.error.${today()}.1.log`
  ])
})

t.test('a full file is succeeded by another one, the oldest go, and no line is lost or torn', async (t) => {
  const folder = t.testdir({ 'aisle.2020-01-01.1.log': 'of an earlier process', 'other.2020-01-01.1.log': 'not ours' })
  const log = await open(join(folder, 'aisle.log'), { LOG_MAX_SIZE: '10k', LOG_MAX_FILES: '3' })
  const names = () => filesOf(folder, /^aisle\.\d/)
  const numbers = () => names().map((name) => Number(name.split('.')[2]))
  let written = 0
  const writeUntil = (what: string, isReached: () => boolean) =>
    waitFor(what, async () => {
      for (let count = 0; count < 20; count++) log.append(INFO, `{"line":${++written},"text":"${'x'.repeat(200)}"}\n`)
      await log.flushAll()
      return isReached()
    })

  await writeUntil('the second file', () => numbers().includes(2))
  const linesOf = (name: string) => read(folder, name).split('\n').filter(Boolean)
  const first = linesOf(`aisle.${today()}.1.log`)
  t.same(
    first.map((line) => JSON.parse(line).line),
    first.map((_line, at) => at + 1)
  )
  await writeUntil('the eighth file', () => numbers().includes(8))
  await waitFor('the oldest are gone', () => names().length <= 3)
  t.ok(Math.min(...numbers()) >= 6, names().join())
  t.same(filesOf(folder, /^other/), ['other.2020-01-01.1.log'], 'files of others stay')
  const kept = names()
    .sort()
    .flatMap((name) => linesOf(name).map((line) => JSON.parse(line).line))
  t.same(
    kept,
    kept.map((_line, at) => (kept[0] ?? 0) + at),
    'in order, whole, none missing'
  )
  t.equal(kept.at(-1), written)
})

t.test('a new day begins a new file', async (t) => {
  const folder = t.testdir()
  const script = join(folder, 'script.mjs')
  writeFileSync(
    script,
    `import { readdirSync } from 'node:fs'
     const RealDate = Date
     const midnight = new RealDate(2030, 0, 2).getTime()
     let now = midnight - 3_600_000
     globalThis.Date = class extends RealDate {
       constructor(...parts) {
         super(...(parts.length > 0 ? parts : [now]))
       }
       static now() { return now }
     }
     const { setTimeout: realSetTimeout } = globalThis
     const longTimers = []
     globalThis.setTimeout = (expire, delayMs, ...args) => {
       if (delayMs < 60_000) return realSetTimeout(expire, delayMs, ...args)
       longTimers.push({ expire, atMs: now + delayMs })
       return { unref() {} }
     }
     const { openLogStream } = await import('${new URL('../../../src/platform/logging/log-stream.ts', import.meta.url)}')
     const log = await openLogStream({ filePath: process.argv[2], maxSize: '100m', maxFiles: 7 })
     let line = 0
     const write = async (count) => {
       for (let last = line + count; line < last; ) {
         log.append(${INFO}, ++line + '\\n')
         await log.flushAll()
       }
     }
     await write(5)
     now = midnight
     for (const { expire, atMs } of longTimers.splice(0)) if (atMs <= now) expire()
     do await write(1)
     while (!readdirSync('${folder}').includes('aisle.2030-01-02.1.log'))
     await write(5)
     process.exit(0)`
  )
  const { status } = spawnSync(process.execPath, [script, join(folder, 'aisle.log')], { timeout: 20_000 })
  t.equal(status, 0)
  const days = filesOf(folder, /^aisle\.2030/).sort()
  t.same(days, ['aisle.2030-01-01.1.log', 'aisle.2030-01-02.1.log'])
  const [first = [], second = []] = days.map((name) => read(folder, name).split('\n').filter(Boolean).map(Number))
  t.ok(first.length > 0 && second.length > 0)
  t.same(
    [...first, ...second],
    [...first, ...second].map((_line, at) => at + 1)
  )
})

t.test('a path that cannot be written is refused at start, by name', async (t) => {
  const folder = t.testdir({ 'a-file': '' })
  for (const path of [join(folder, 'a-file', 'aisle.log'), join(folder, 'what?.log')])
    await t.rejects(open(path), { constructor: ConfigError, message: /LOG_FILE_PATH must be a path.*: \S/ })
  const { status, stderr } = spawnSync(process.execPath, [SERVER], {
    env: { ...required, LOG_FILE_PATH: join(folder, 'a-file', 'aisle.log') },
    encoding: 'utf8'
  })
  t.equal(status, 1)
  t.match(stderr, /^The configuration is not valid:\n {2}LOG_FILE_PATH .*\n$/)
})

t.test('wrong limits are refused by name', async (t) => {
  for (const [name, value] of Object.entries({ LOG_MAX_SIZE: '10 parsecs', LOG_MAX_FILES: '1' }))
    t.throws(() => loadConfig({ ...required, [name]: value }), { message: new RegExp(name) })
})

/** Runs code with a log open, where each write fails as on a full disk. */
function onFullDisk(t: Test, stdout: 'full' | 'pipe', code: string) {
  const folder = t.testdir()
  symlinkSync('/dev/full', join(folder, `aisle.${today()}.1.log`))
  const script = join(folder, 'script.mjs')
  const module = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url))
  const path = stdout === 'full' ? '' : `, LOG_FILE_PATH: ${JSON.stringify(join(folder, 'aisle.log'))}`
  writeFileSync(
    script,
    `import { loadConfig } from ${module('config/config.ts')}
     import { openLogStream } from ${module('platform/logging/log-stream.ts')}
     const log = await openLogStream(loadConfig({ ...${JSON.stringify(required)}${path} }).log)
     ${code}`
  )
  return spawnSync(process.execPath, [script], {
    stdio: ['ignore', stdout === 'full' ? openSync('/dev/full', 'w') : 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 20_000
  })
}

t.test('a full disk neither stops the service nor holds up its end, and is told once', async (t) => {
  for (const stdout of ['full', 'pipe'] as const) {
    const { status, stderr } = onFullDisk(
      t,
      stdout,
      `const writing = setInterval(() => log.append(${INFO}, 'a line\\n'), 10)
       setTimeout(async () => {
         clearInterval(writing)
         await log.flushAll()
         log.append(${INFO}, 'the last line\\n')
         process.exit(7)
       }, 500)
       // As a server does.
       setInterval(() => {}, 1000)`
    )
    t.equal(status, 7, stdout)
    t.match(stderr, /^Log lines cannot be written to \S.*ENOSPC.*\n$/)
  }
})

t.test('no line is lost when the process ends at once', async (t) => {
  const folder = t.testdir()
  const script = join(folder, 'script.mjs')
  const source = new URL('../../../src/platform/logging/log-stream.ts', import.meta.url)
  writeFileSync(
    script,
    `import { openLogStream } from '${source}'
     const log = await openLogStream({ filePath: process.argv[2] || undefined, maxSize: '100m', maxFiles: 7 })
     for (let line = 1; line <= 3000; line++) log.append(line % 1000 ? ${INFO} : ${ERROR}, line + ' ' + 'x'.repeat(50) + '\\n')
     process.exit(0)`
  )
  const run = (path: string) =>
    spawnSync(process.execPath, [script, path], { env: {}, encoding: 'utf8', maxBuffer: 1e7 }).stdout
  const numbers = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => Number.parseInt(line, 10))
  const all = Array.from({ length: 3000 }, (_, at) => at + 1)
  const sorted = (text: string) => numbers(text).sort((a, b) => a - b)
  t.same(sorted(run('')), all, 'on standard output')
  run(join(folder, 'aisle.log'))
  t.same(sorted(read(folder, `aisle.${today()}.1.log`)), all, 'in a file')
  t.same(sorted(read(folder, `aisle.error.${today()}.1.log`)), [1000, 2000, 3000])
})
