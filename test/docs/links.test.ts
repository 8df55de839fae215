import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/**/*.md', 'test/README.md'], { cwd: ROOT })

const readPage = (page: string) => readFileSync(join(ROOT, page), 'utf8')

/** The text of a page without its code blocks. */
const proseOf = (page: string) => readPage(page).replace(/^```.*?^```$/gms, '')

const matchesOf = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, match = '']) => match)

/** The anchors of the headings of a page, as GitHub makes them. */
const anchorsOf = (page: string) =>
  matchesOf(proseOf(page), /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )

t.test('links between pages lead somewhere', async (t) => {
  t.ok(pages.length > 30, 'the pages are found')
  for (const page of pages) {
    for (const link of matchesOf(proseOf(page), /\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      const leads = existsSync(join(ROOT, target)) && (anchor === undefined || anchorsOf(target).includes(anchor))
      t.ok(leads, `${page}: ${link}`)
    }
  }
})

t.test('files that pages name are there', async (t) => {
  const FOLDERED = /`((?:src|plugins|routes|schemas|scripts|tools|test|migrations|docs|bench|\.github)\/[\w./-]*)`/g
  const ALONE = /`([\w-]+\.(?:ts|sql))`/g
  const known = new Set(
    globSync('{src,plugins,routes,schemas,scripts,test}/**/*.ts', { cwd: ROOT }).map((path) => path.split('/').at(-1))
  )
  for (const page of pages) {
    const prose = proseOf(page)
    for (const path of matchesOf(prose, FOLDERED)) {
      const isThere = [path, join(dirname(page), path)].some((place) => existsSync(join(ROOT, place)))
      t.ok(isThere || path.includes('NNN'), `${page}: ${path}`)
    }
    for (const name of matchesOf(prose, ALONE)) t.ok(known.has(name), `${page}: ${name}`)
  }
})
