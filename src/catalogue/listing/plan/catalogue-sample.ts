import type { SortKey } from '../../../../schemas/products.ts'
import type { Database } from '../../../platform/database/database.ts'
import { datetimeToTimestamp } from '../../../platform/database/datetime.ts'
import type { SearchTerm } from '../../search/search-words.ts'
import { includesSignature, type Signature, signatureColumns, signatureOf } from '../../search/word-signature.ts'

/** What decides whether a product is listed, and where. */
export interface SampledProduct {
  /** Its place in the sample. */
  index: number
  id: Buffer
  /** The same, to be compared: a character for each byte. */
  idText: string
  name: string
  /** Names are ordered as these are: what the database compares, in the same way. */
  nameWeight: string
  price: string
  priceValue: number
  category: string | null
  createdAt: string
  updatedAt: string
  searchWords: string
  signature: Signature
}

/** Where in a sample a search term is. */
export interface TermOccurrence {
  /** For each product, whether it has what the term says. */
  flags: Uint8Array
  count: number
}

/** Products drawn at random, each as likely as any other. */
export interface CatalogueSample {
  readonly products: readonly SampledProduct[]
  /** How many products of the catalogue each of them stands for. */
  readonly weight: number
  /** In the ascending order of a sort. */
  inOrder(key: SortKey): readonly SampledProduct[]
  having(term: SearchTerm): TermOccurrence
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
 * A share of one in a thousand shows in it four times, give or take two. Where the catalogue is large, more are drawn,
 * as a word that is as rare as can be walked for is rarer then.
 */
const MIN_SIZE = 4096
const MAX_SIZE = 16_384
const MAX_WEIGHT = 1024
/** A few milliseconds of the database, and less than one of this process. */
const BATCH_ROWS = 512
const RANKS = 2 ** 32
/** Of all ids, as the column has it. */
const RANKED_SHARE = 1 / 64
/** Of 4 to 16 KiB each. */
const MAX_REMEMBERED_TERMS = 500

/**
 * Draws a sample: the products of the lowest ranks, which are hashes of their ids (a bottom-k sample; Cohen and Kaplan,
 * 2007). The highest rank among them tells how many products there are, give or take 2 %. Of small catalogues it has one
 * product in 64.
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

export function createSample(products: readonly SampledProduct[], weight: number): CatalogueSample {
  const orders = new Map<SortKey, SampledProduct[]>()
  const occurrences = new Map<SearchTerm, TermOccurrence>()

  return {
    products,
    weight,

    inOrder(key) {
      const known = orders.get(key)
      if (known !== undefined) return known
      const order = products.toSorted(
        (a, b) => compare(sortValueOf(key, a), sortValueOf(key, b)) || compare(a.idText, b.idText)
      )
      orders.set(key, order)
      return order
    },

    having(term) {
      const known = occurrences.get(term)
      if (known !== undefined) return known
      if (occurrences.size === MAX_REMEMBERED_TERMS) occurrences.clear()
      const searched = signatureOf([term])
      // The signatures spare most of the texts.
      const isFound = ({ signature, searchWords }: SampledProduct) =>
        includesSignature(signature, searched) && searchWords.includes(term)
      const flags = Uint8Array.from(products, (product) => (isFound(product) ? 1 : 0))
      const occurrence = { flags, count: flags.reduce((sum, flag) => sum + flag, 0) }
      occurrences.set(term, occurrence)
      return occurrence
    }
  }
}

/** A place between products of the sample. */
export interface SamplePlace {
  /** As `sortValueOf` has it. */
  value: string | number
  idText: string
}

/** Negative when a product comes before a place in ascending order, positive when after it. */
export function compareToPlace(key: SortKey, product: SampledProduct, { value, idText }: SamplePlace): number {
  return compare(sortValueOf(key, product), value) || compare(product.idText, idText)
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What is compared: prices as numbers, names by their weights, times as text. */
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
