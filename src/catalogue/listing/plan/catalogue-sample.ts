import type { SortKey } from '../../../../schemas/products.ts'
import type { Database } from '../../../platform/database/database.ts'
import { createBoundedMap } from '../../../platform/lib/bounded-map.ts'
import { createSingleFlight } from '../../../platform/lib/single-flight.ts'
import { datetimeToTimestamp } from '../../../platform/lib/timestamps.ts'
import type { SearchTerm } from '../../search/search-words.ts'
import { includesSignature, type Signature, signatureColumns, signatureOf } from '../../search/word-signature.ts'

/**
 * A random sample of the catalogue, each product as likely to be in it as any other. The planner applies the filters of a
 * query to it, all of them together, to see how many products pass and where in the order of the list they lie:
 * statistics of single columns know neither words nor how filters depend on each other.
 */
export interface CatalogueSample {
  readonly products: readonly SampledProduct[]
  /** The number of products in the catalogue that one product of the sample stands for. */
  readonly weight: number
  /** Returns the products in the ascending order of a sort, as the database has it. */
  sortedBy(key: SortKey): readonly SampledProduct[]
  /** Returns which products of the sample have a search term. */
  occurrencesOf(term: SearchTerm): TermOccurrences
}

/** A product of a sample: what decides whether a list has it, and at which position. */
export interface SampledProduct {
  /** The index of the product in `CatalogueSample.products`. */
  index: number
  id: Buffer
  /** The id as text of one character for each byte, which is faster to compare. */
  idText: string
  name: string
  /** The weight string of the name: names are ordered as these are compared, in binary. */
  nameWeight: string
  price: string
  /** The price as a number. */
  priceValue: number
  category: string | null
  createdAt: string
  updatedAt: string
  searchWords: string
  signature: Signature
}

/** The products of a sample that have a search term. */
export interface TermOccurrences {
  /** For each product of the sample, by its index, 1 if it has the term, else 0. */
  flags: Uint8Array
  /** The number of products that have the term. */
  count: number
}

/** A position in the order of a sample. */
export interface SamplePosition {
  /** The sort value, in the form in which a sample compares it: prices as numbers, names as weight strings. */
  value: string | number
  /** The id, as `SampledProduct.idText`. */
  idText: string
}

type StoredProduct = Record<`signature_${number}`, number> & {
  id: Buffer
  name: string
  name_weight: Buffer
  price: string
  category: string | null
  created_at: string
  updated_at: string
  search_words: string
  sample_rank: number
}

/**
 * The size of a sample. Of 4,096 products, four (give or take two) have what one in a thousand has. The larger the
 * catalogue, the rarer the words for which a walk is still the cheaper plan: then the sample is larger, until one product
 * stands for 1,024.
 */
const MIN_SIZE = 4096
const MAX_SIZE = 16_384
const MAX_WEIGHT = 1024
/** The rows that one statement reads: a few milliseconds of the database, less than one of this process. */
const BATCH_ROWS = 512
/** The number of possible ranks. */
const RANKS = 2 ** 32
/** The share of all products that have a rank. */
const RANKED_SHARE = 1 / 64
/** Terms whose occurrences a sample remembers; each takes 4 to 16 KiB. */
const MAX_REMEMBERED_TERMS = 500

/**
 * Draws a sample: a bottom-k sample (Cohen and Kaplan, 2007) of the products with the lowest ranks. A rank is a hash of
 * the id that one product in 64 has, in a column of its own. The highest rank in the sample estimates the number of
 * products in the catalogue to within about 2 %. A small catalogue gives all products that have a rank.
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function drawSample(database: Pick<Database, 'execute'>): Promise<CatalogueSample> {
  const stored: StoredProduct[] = []
  for (;;) {
    const next = (stored.at(-1)?.sample_rank ?? -1) + 1
    const batch: StoredProduct[] = await database.execute(DRAW, [String(next), String(BATCH_ROWS)])
    for (const row of batch) stored.push(row)
    if (batch.length < BATCH_ROWS) return createSample(stored.map(toSampled), 1 / RANKED_SHARE)
    const weight = RANKS / (stored.at(-1)?.sample_rank ?? RANKS)
    const size = Math.min(MAX_SIZE, Math.max(MIN_SIZE, (weight * stored.length) / MAX_WEIGHT))
    if (stored.length >= size) return createSample(stored.map(toSampled), weight)
  }
}

const DRAW = `SELECT STRAIGHT_JOIN p.id, p.name, WEIGHT_STRING(p.name) AS name_weight, p.price, p.category, p.created_at,
    p.updated_at, p.search_words, drawn.sample_rank, ${signatureColumns.map((column) => `p.${column}`).join(', ')}
  FROM (SELECT id, sample_rank FROM products FORCE INDEX (products_sample)
    WHERE sample_rank >= ? ORDER BY sample_rank LIMIT ?) drawn
  JOIN products p ON p.id = drawn.id ORDER BY drawn.sample_rank`

/**
 * Creates a sample of the given products.
 * @internal exported for tests
 */
export function createSample(products: readonly SampledProduct[], weight: number): CatalogueSample {
  const orders = new Map<SortKey, SampledProduct[]>()
  const occurrencesByTerm = createBoundedMap<SearchTerm, TermOccurrences>(MAX_REMEMBERED_TERMS)

  return {
    products,
    weight,

    sortedBy(key) {
      const known = orders.get(key)
      if (known !== undefined) return known
      const order = products.toSorted(
        (a, b) => compare(sortValueOf(key, a), sortValueOf(key, b)) || compare(a.idText, b.idText)
      )
      orders.set(key, order)
      return order
    },

    occurrencesOf(term) {
      const known = occurrencesByTerm.get(term)
      if (known !== undefined) return known
      const occurrences = findOccurrences(products, term)
      occurrencesByTerm.set(term, occurrences)
      return occurrences
    }
  }
}

/** Returns a negative number when a product comes before a position in ascending order, a positive one when after it. */
export function compareToPosition(key: SortKey, product: SampledProduct, { value, idText }: SamplePosition): number {
  return compare(sortValueOf(key, product), value) || compare(product.idText, idText)
}

/** The sample that an instance has at hand. */
export interface CatalogueSampler {
  /**
   * Returns the sample. One that is half a minute old is replaced in the background while it is used
   * (stale-while-revalidate), one that is a minute old is no longer used.
   * @throws {AppError} 503 when there is no usable sample and the database does not answer in time
   */
  current(): Promise<CatalogueSample>
  /**
   * Notes that a plan made from the sample went wrong: the next caller waits for a new sample, unless this one is less
   * than ten seconds old. Samples drawn within seconds are much the same, because ranks are hashes of ids.
   */
  distrust(): void
}

const FRESH_MS = 30_000
const MAX_AGE_MS = 60_000
const MIN_AGE_MS = 10_000

/**
 * Creates a sampler, which draws its first sample when it is first asked.
 * @param nowMs a monotonic clock
 */
export function createCatalogueSampler(database: Pick<Database, 'execute'>, nowMs: () => number): CatalogueSampler {
  let sample: CatalogueSample | undefined
  let drawnAtMs = 0
  let isTrusted = true
  const flights = createSingleFlight<'sample', CatalogueSample>()
  const draw = () => flights.run('sample', drawNew)

  async function drawNew(): Promise<CatalogueSample> {
    const startedAtMs = nowMs()
    sample = await drawSample(database)
    drawnAtMs = startedAtMs
    isTrusted = true
    return sample
  }

  return {
    async current() {
      if (sample === undefined) return await draw()
      const ageMs = nowMs() - drawnAtMs
      if (ageMs >= MAX_AGE_MS || (!isTrusted && ageMs >= MIN_AGE_MS)) return await draw()
      // The error is for the caller who finds the sample too old to use.
      if (ageMs >= FRESH_MS) draw().catch(() => {})
      return sample
    },

    distrust() {
      isTrusted = false
    }
  }
}

function findOccurrences(products: readonly SampledProduct[], term: SearchTerm): TermOccurrences {
  const searched = signatureOf([term])
  // Comparing signatures first spares most of the texts.
  const hasTerm = ({ signature, searchWords }: SampledProduct) =>
    includesSignature(signature, searched) && searchWords.includes(term)
  const flags = Uint8Array.from(products, (product) => (hasTerm(product) ? 1 : 0))
  return { flags, count: flags.reduce((sum, flag) => sum + flag, 0) }
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function sortValueOf(key: SortKey, product: SampledProduct): string | number {
  if (key === 'price') return product.priceValue
  return key === 'name' ? product.nameWeight : product[key]
}

function toSampled(row: StoredProduct, index: number): SampledProduct {
  return {
    index,
    id: row.id,
    idText: row.id.toString('latin1'),
    name: row.name,
    nameWeight: row.name_weight.toString('latin1'),
    price: row.price,
    priceValue: Number(row.price),
    category: row.category,
    createdAt: datetimeToTimestamp(row.created_at),
    updatedAt: datetimeToTimestamp(row.updated_at),
    searchWords: row.search_words,
    signature: signatureColumns.map((_, part) => row[`signature_${part}`] ?? 0)
  }
}
