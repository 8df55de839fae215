import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { testApp } from './support/test-app.ts'

const ROOT = join(import.meta.dirname, '..')

interface SourceFile {
  path: string
  text: string
  /** Paths from the root for files of ours, names for packages. */
  imports: { target: string; isTypeOnly: boolean }[]
}

const files: SourceFile[] = globSync('{src,plugins,routes,schemas}/**/*.ts', { cwd: ROOT }).map((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const imports = [...text.matchAll(/^import (type )?(?:[^'"]*? from )?'([^']+)'/gms)].map(([, type, from = '']) => ({
    target: from.startsWith('.') ? relative(ROOT, join(ROOT, dirname(path), from)) : from,
    isTypeOnly: type !== undefined
  }))
  return { path, text, imports }
})

const inFolder = (folder: string) => files.filter(({ path }) => path.startsWith(`${folder}/`))
const isOurs = (target: string) => /^(src|plugins|routes|schemas|scripts|test)\//.test(target)

/** `catalogue` for all below `src/catalogue/`; `.` for the files at the root of `src`. */
const wingOf = (path: string) => path.match(/^src\/([^/]+)\//)?.[1] ?? '.'
/** The folder in a wing, such as `src/catalogue/listing`; a file beside such folders is a room of its own. */
const roomOf = (path: string) => path.split('/').slice(0, 3).join('/')

function check(t: Test, folder: string, isAllowed: (target: string, file: SourceFile) => boolean) {
  for (const file of inFolder(folder)) {
    for (const { target } of file.imports.filter(({ target }) => isOurs(target))) {
      t.ok(isAllowed(target, file), `${file.path} imports ${target}`)
    }
  }
}

t.test('imports run one way', async (t) => {
  t.ok(files.length > 20, 'the files are found')
  check(t, 'schemas', (target) => target.startsWith('schemas/'))
  check(t, 'src', (target) => /^(src|schemas)\//.test(target))
  check(t, 'plugins', (target) => /^(src|schemas)\//.test(target))
  check(t, 'routes', (target, { path }) => /^(src|schemas)\//.test(target) || dirname(target) === dirname(path))
})

/** Which wings of `src` each wing may import. The files at the root of `src` may import all of them. */
const WINGS: Readonly<Record<string, readonly string[]>> = {
  config: [],
  platform: ['config'],
  catalogue: ['config', 'platform'],
  edge: ['config', 'platform', 'catalogue'],
  integrations: ['config', 'platform', 'catalogue'],
  '.': ['config', 'platform', 'catalogue', 'edge', 'integrations']
}

t.test('a wing imports only the wings before it', async (t) => {
  for (const { path, imports } of inFolder('src')) {
    const wing = wingOf(path)
    t.ok(WINGS[wing], `${path} is in a wing that is known`)
    for (const { target } of imports.filter(({ target }) => target.startsWith('src/'))) {
      t.ok(wingOf(target) === wing || WINGS[wing]?.includes(wingOf(target)), `${path} imports ${target}`)
    }
  }
})

t.test('there is no Fastify in the wings', async (t) => {
  for (const { path, imports } of inFolder('src').filter(({ path }) => wingOf(path) !== '.')) {
    t.notOk(
      imports.some(({ target }) => /^@?fastify/.test(target)),
      path
    )
  }
})

t.test('rooms do not import each other in a circle', async (t) => {
  const edges = new Map<string, Set<string>>()
  for (const { path, imports } of inFolder('src')) {
    const targets = edges.get(roomOf(path)) ?? new Set()
    edges.set(roomOf(path), targets)
    for (const { target } of imports) {
      if (target.startsWith('src/') && roomOf(target) !== roomOf(path)) targets.add(roomOf(target))
    }
  }
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    [...(edges.get(from) ?? [])].some(
      (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next)))
    )
  for (const room of edges.keys()) t.notOk(reaches(room, room), room)
})

t.test('only entry points read the environment', async (t) => {
  for (const { path, text } of files) {
    if (path !== 'src/server.ts') t.notMatch(text, /process\.env/, path)
  }
})

t.test('every plugin is named and lifted, no route is', async (t) => {
  for (const { path, text } of inFolder('plugins')) t.match(text, /\bfp\([\s\S]*name: '/, path)
  for (const { path, text } of inFolder('routes')) t.notMatch(text, /fastify-plugin/, path)
})

t.test('what happens to every request stands in one file', async (t) => {
  const HOOK =
    /addHook\(\s*'(onRequest|preParsing|preValidation|preHandler|preSerialization|onSend|onResponse|onError)'/
  for (const { path, text } of [...inFolder('plugins'), ...inFolder('routes'), ...inFolder('src')]) {
    if (path !== 'plugins/request/pipeline.ts') t.notMatch(text, HOOK, path)
  }
})

t.test('the folders of routes are their paths, and each file has one operation', async (t) => {
  for (const { path, text } of inFolder('routes')) {
    const operations = [...text.matchAll(/app\.(get|post|put|patch|delete)\(\s*'([^']*)'/g)]
    t.ok(operations.length <= 1, path)
    const isAtRoot = dirname(path) === 'routes'
    for (const [, , url] of operations) t.ok(url === '' || isAtRoot, `${path} has the path of its folder`)
    t.notMatch(text, /autoPrefix/, path)
  }
})

t.test('no index file hides its siblings from being loaded', async (t) => {
  for (const { path } of [...inFolder('plugins'), ...inFolder('routes')]) t.notMatch(path, /\/index\.ts$/)
})

const EXPORT = /^export (?:async )?(?:function\*?|class|const|interface|type) (\w+)/gm

t.test('every exported name stands for one thing, and has a comment', async (t) => {
  const places = new Map<string, Set<string>>()
  for (const { path, text } of files) {
    for (const match of text.matchAll(EXPORT)) {
      const [, name = ''] = match
      places.set(name, (places.get(name) ?? new Set()).add(path))
      // Schemas describe themselves.
      if (path.startsWith('schemas/')) continue
      t.match(text.slice(0, match.index), /\*\/\n(\/\/ biome-ignore [^\n]*\n)?$/, `${path}: ${name}`)
    }
  }
  for (const [name, paths] of places) t.equal(paths.size, 1, `${name} in ${[...paths].join(' and ')}`)
})

t.test('no file is long, none only passes on what others export', async (t) => {
  for (const { path, text } of files) {
    t.ok(text.split('\n').length <= 300, path)
    t.notMatch(text, /^export (\*|\{[^}]*\}) from/m, path)
  }
})

t.test('every route of the API has schemas for what it takes and answers', async (t) => {
  const document = (await (await testApp(t)).inject('/openapi.json')).json()
  for (const [path, operations] of Object.entries<Record<string, { responses: object }>>(document.paths)) {
    for (const [method, { responses }] of Object.entries(operations))
      t.ok(
        Object.keys(responses).some((status) => /^2/.test(status)),
        `${method} ${path}`
      )
  }
})
