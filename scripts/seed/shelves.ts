import { type Category, categories } from './categories.ts'
import { type Phrase, phrase } from './phrase.ts'
import { priceDistribution } from './prices.ts'
import { type Random, weightedChoice, zipfChoice } from './random.ts'
import { MONTHS } from './shop-calendar.ts'
import { brandBeginnings, brandEndings, commonSentences, type Kind, kinds } from './vocabulary.ts'

type Draw<T> = (random: Random) => T

/** A category with what is on offer in it, ready to draw from. */
export interface Shelf {
  category: string
  /** Begins the skus. */
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
  return phrase(`${brandBeginnings[beginning]}${brandEndings[ending]}`)
})
const commonSentence = zipfChoice(commonSentences.map(phrase))
const drawsByKind = new Map(Object.entries(kinds).map(([name, kind], rank) => [name, drawsOf(kind, rank)]))
const shelves = categories.map(shelfOf)
const shelfDraws = Array.from({ length: MONTHS }, (_, month) =>
  weightedChoice(
    shelves.map((shelf, rank) => [shelf, weightOf(categories[rank] as Category, rank, month)]),
    CATEGORY_SLOTS
  )
)

/** Draws the category of a product that is new in this month of the shop's life. */
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
    noun: zipfChoice(nouns.map(phrase)),
    cents: priceDistribution(medianPrice, spread),
    commonSentence,
    ...(drawsByKind.get(kind) as KindDraws)
  }
}

type KindDraws = Pick<Shelf, 'modelShare' | 'brand' | 'quality' | 'variant' | 'sentence'>

/** Each kind has other brands in front. */
function drawsOf({ modelShare, qualities, variants, sentences }: Kind, rank: number): KindDraws {
  const offset = rank * 89
  return {
    modelShare,
    brand: zipfChoice([...brands.slice(offset), ...brands.slice(0, offset)], BRAND_SLOTS),
    quality: zipfChoice(qualities.map(phrase)),
    variant: zipfChoice(variants.map(phrase)),
    sentence: zipfChoice(sentences.map(phrase))
  }
}

function weightOf({ fromMonth = 0, toMonth = MONTHS, peakMonth }: Category, rank: number, month: number): number {
  if (month < fromMonth || month > toMonth) return 0
  return (month % 12 === peakMonth ? PEAK_FACTOR : 1) / (rank + 1)
}
