import { type Category, categories } from './categories.ts'
import { createPhrase, type Phrase } from './phrase.ts'
import { createPriceDistribution } from './prices.ts'
import { type Random, weightedChoice, zipfChoice } from './random.ts'
import { MONTHS } from './shop-calendar.ts'
import { brandBeginnings, brandEndings, commonSentences, type Kind, kinds } from './vocabulary.ts'

type Draw<T> = (random: Random) => T

/** A category, with functions that draw the parts of its products. */
export interface Shelf {
  category: string
  /** The first letters of its skus. */
  code: string
  modelShare: number
  brand: Draw<Phrase>
  quality: Draw<Phrase>
  noun: Draw<Phrase>
  variant: Draw<Phrase>
  sentence: Draw<Phrase>
  commonSentence: Draw<Phrase>
  cents: Draw<number>
}

const PEAK_FACTOR = 10
const CATEGORY_SLOTS = 2 ** 12
/** Enough for the rarest of 900 brands, one product in 6,600. */
const BRAND_SLOTS = 2 ** 16

const brands = Array.from({ length: brandBeginnings.length * brandEndings.length }, (_, index) => {
  const beginning = index % brandBeginnings.length
  const ending = (beginning * 7 + Math.floor(index / brandBeginnings.length)) % brandEndings.length
  return createPhrase(`${brandBeginnings[beginning]}${brandEndings[ending]}`)
})
const commonSentence = zipfChoice(commonSentences.map(createPhrase))
const drawsByKind = new Map(Object.entries(kinds).map(([name, kind], rank) => [name, drawsOf(kind, rank)]))
const shelves = categories.map(shelfOf)
const shelfDraws = Array.from({ length: MONTHS }, (_, month) =>
  weightedChoice(
    shelves.map((shelf, rank) => [shelf, weightOf(categories[rank] as Category, rank, month)]),
    CATEGORY_SLOTS
  )
)

/** Draws the category of a product that is new in a month of the shop, from 0. */
export function drawShelf(month: number, random: Random): Shelf {
  const draw = shelfDraws[month] as Draw<Shelf>
  return draw(random)
}

function shelfOf({ name, kind, medianPrice, spread, nouns }: Category): Shelf {
  return {
    category: name,
    code: name
      .replace(/[^A-Z]/gi, '')
      .slice(0, 3)
      .toUpperCase(),
    noun: zipfChoice(nouns.map(createPhrase)),
    cents: createPriceDistribution(medianPrice, spread),
    commonSentence,
    ...(drawsByKind.get(kind) as KindDraws)
  }
}

type KindDraws = Pick<Shelf, 'modelShare' | 'brand' | 'quality' | 'variant' | 'sentence'>

/** Creates the draws of a kind. Each kind has other popular brands. */
function drawsOf({ modelShare, qualities, variants, sentences }: Kind, rank: number): KindDraws {
  const offset = rank * 89
  return {
    modelShare,
    brand: zipfChoice([...brands.slice(offset), ...brands.slice(0, offset)], BRAND_SLOTS),
    quality: zipfChoice(qualities.map(createPhrase)),
    variant: zipfChoice(variants.map(createPhrase)),
    sentence: zipfChoice(sentences.map(createPhrase))
  }
}

function weightOf({ fromMonth = 0, toMonth = MONTHS, peakMonth }: Category, rank: number, month: number): number {
  if (month < fromMonth || month > toMonth) return 0
  return (month % 12 === peakMonth ? PEAK_FACTOR : 1) / (rank + 1)
}
