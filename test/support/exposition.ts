export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  name: string
  help: string
  type: string
  samples: Sample[]
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/
const SAMPLE = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${LABEL.source}(?:,${LABEL.source})*)\\})? (\\S+)$`)
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }

/**
 * Reads the text format of Prometheus, strictly.
 * @throws {Error} at a line that does not fit the grammar, a metric that comes twice, a sample outside its metric, a
 * series that comes twice
 */
export function parseExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families: Family[] = []
  const seen = new Set<string>()
  const lines = text.split('\n').filter((line) => line !== '')
  const once = (what: string) => {
    if (seen.has(what)) throw new Error(`twice: ${what}`)
    seen.add(what)
  }
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, helpOf, help = ''] = HELP.exec(line) ?? []
    if (helpOf !== undefined) {
      const [, typeOf, type = ''] = TYPE.exec(lines.shift() ?? '') ?? []
      if (typeOf !== helpOf) throw new Error(`no type: ${helpOf}`)
      once(helpOf)
      families.push({ name: helpOf, help, type, samples: [] })
      continue
    }
    const family = families.at(-1)
    const sample = parseSample(line)
    if (!family || !namesOf(family).includes(sample.name)) throw new Error(`outside of its metric: ${line}`)
    once(JSON.stringify([sample.name, Object.entries(sample.labels).sort()]))
    family.samples.push(sample)
  }
  return families
}

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line)
  const value = match?.at(-1) ?? ''
  if (!match?.[1] || !VALUE.test(value)) throw new Error(`not in the grammar: ${line}`)
  const labels = [...(match[2] ?? '').matchAll(new RegExp(LABEL, 'g'))].map(([, name = '', text = '']) => [
    name,
    text.replace(/\\./g, (sequence) => ESCAPES[sequence] ?? sequence)
  ])
  return { name: match[1], labels: Object.fromEntries(labels), value: Number(value.replace('Inf', 'Infinity')) }
}

function namesOf({ name, type }: Family): string[] {
  return type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name]
}
