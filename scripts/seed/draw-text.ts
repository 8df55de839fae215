import type { Signature } from '../../src/catalogue/search/word-signature.ts'
import { createPhrase, type Phrase, searchColumnOf } from './phrase.ts'
import type { Random } from './random.ts'
import type { Shelf } from './shelves.ts'
import { type MarkedWord, markers, wordShares } from './vocabulary.ts'

/** The text of a generated product, with its search columns. */
export interface ProductText {
  name: string
  description: string | null
  /** The search column of name and description. */
  searchWords: string
  signature: Signature
}

const WITH_QUALITY = 0.6
const WITH_VARIANT = 0.7
const WITH_DESCRIPTION = 0.92
const WITH_COMMON_SENTENCE = 0.6

const MODEL_SERIES = 'AX BT CR DS EV FX GT HD JR KL LM MX NS PX QR RT SV TX VR ZX'.split(' ')
const MODELS_PER_SERIES = 2000

/** Marked words occur in descriptions only. */
const { handmade, imported, ...others } = Object.fromEntries(
  Object.entries(markers).map(([word, text]) => [
    word,
    { sentence: createPhrase(text), chance: wordShares[word as MarkedWord] / WITH_DESCRIPTION }
  ])
) as Record<MarkedWord, { sentence: Phrase; chance: number }>
const independentMarkers = Object.values(others)

/** Draws the name and description of a product of a category. */
export function drawText(shelf: Shelf, random: Random): ProductText {
  const phrases: Phrase[] = []
  const name = drawName(shelf, random, phrases)
  const description = random.chance(WITH_DESCRIPTION) ? drawDescription(shelf, random, phrases) : null
  return { name, description, ...searchColumnOf(phrases) }
}

/** Draws a name, for example `Nordvale Wireless Headphones TX450, black`. */
function drawName(shelf: Shelf, random: Random, phrases: Phrase[]): string {
  let name = add(phrases, shelf.brand(random))
  if (random.chance(WITH_QUALITY)) name += ` ${add(phrases, shelf.quality(random))}`
  name += ` ${add(phrases, shelf.noun(random))}`
  if (random.chance(shelf.modelShare)) name += ` ${add(phrases, drawModel(random))}`
  if (random.chance(WITH_VARIANT)) name += `, ${add(phrases, shelf.variant(random))}`
  return name
}

function drawDescription(shelf: Shelf, random: Random, phrases: Phrase[]): string {
  const first = shelf.sentence(random)
  const second = shelf.sentence(random)
  let description = add(phrases, first)
  if (second !== first) description += ` ${add(phrases, second)}`
  if (random.chance(WITH_COMMON_SENTENCE)) description += ` ${add(phrases, shelf.commonSentence(random))}`
  for (const { sentence, chance } of independentMarkers) {
    if (random.chance(chance)) description += ` ${add(phrases, sentence)}`
  }
  const origin = random.fraction()
  if (origin < handmade.chance) description += ` ${add(phrases, handmade.sentence)}`
  else if (origin < handmade.chance + imported.chance) description += ` ${add(phrases, imported.sentence)}`
  return description
}

function add(phrases: Phrase[], addition: Phrase): string {
  phrases.push(addition)
  return addition.text
}

/** The phrases of models: each one is in few rows, so it is created when it is first drawn. */
const models: Phrase[] = []

function drawModel(random: Random): Phrase {
  const index = random.below(MODEL_SERIES.length * MODELS_PER_SERIES)
  const series = MODEL_SERIES[index % MODEL_SERIES.length]
  models[index] ??= createPhrase(`${series}${100 + Math.floor(index / MODEL_SERIES.length)}`)
  return models[index]
}
