import { ABSENT_WORD, brandBeginnings, brandEndings } from '../../../scripts/seed/vocabulary.ts'
import type { Landmarks } from '../landmarks.ts'
import { byAge, choose, eachSort, roundOf, type Scenario } from '../scenario.ts'
import type { FloorName } from '../sql/floor.ts'
import { deepQuery } from './deep-pages.ts'
import { categoryOf, WIDE_RANGE } from './lists.ts'
import { NEVER_MEET, WORD_IN_HALF } from './names.ts'

/** Word beginnings, found in half of the rows to none, brands and categories among them. */
const BEGINNINGS = ['qua', 'han', 'nor', 'lim', 'pro', 'ref', 'ele', 'zep', 'imp', 'rec'] as const
const COMMON_WORDS = ['quality', 'recycled', 'handmade'] as const
/** Words that only products of the first months have, and of the last ones. */
const CORRELATED = ['typewriter', 'ebike'] as const
const MODELS = ['ax100', 'ds471', 'hd950', 'kl1333', 'px123', 'qr808', 'tx450', 'vr1999', 'zx2042'] as const
const WAYS: readonly FloorName[] = ['FULLTEXT', 'walk, LOCATE', 'walk, signatures']
/** With several words, the last one is the rarest. */
const WORD_WAYS: readonly FloorName[] = [...WAYS, 'FULLTEXT of the last word']
const PRICE_WAYS: readonly FloorName[] = [...WAYS, 'price range, LOCATE']

/** Creates the scenarios of searches. As in every search, the last word may be the beginning of a word. */
export function searchScenarios(landmarks: Landmarks): Scenario[] {
  const words = (name: string, search: string) => each(name, () => ({ search }), WORD_WAYS)
  const word = (name: string, search: string) => each(name, () => ({ search }))
  return [
    word(WORD_IN_HALF, 'quality'),
    word('a word in 4 %, every sort', 'recycled'),
    word('a word in 1 %, every sort', 'limited'),
    word('a word in 0.2 %, every sort', 'refurbished'),
    word('a word in 0.01 %, every sort', 'prototype'),
    word('a word in no row, every sort', ABSENT_WORD),
    each('three letters, every sort', (number) => ({ search: choose(BEGINNINGS, roundOf(number)) })),
    each('a brand, every sort', (number) => ({ search: brandOf(roundOf(number)) })),
    each('a model number, every sort', (number) => ({ search: choose(MODELS, roundOf(number)) })),
    search('a word of old or new products, by age', (number) => ({
      search: choose(CORRELATED, Math.floor(number / 2)),
      ...byAge(number)
    })),
    word('a whole word in 4 % and one letter, every sort', 'recycled a'),
    words('two words in half and in 4 %, every sort', 'quality recycled'),
    words('two words in half and in 0.01 %, every sort', 'quality prototype'),
    words('two words in 4 % and in 1 %, every sort', 'recycled limited'),
    each(NEVER_MEET, (number) => ({ search: choose(['handmade imported', 'imported handmade'], roundOf(number)) })),
    each('category and word in 4 %, every sort', (number) => ({ ...categoryOf(number), search: 'recycled' })),
    each('wide price range and word in 4 %, every sort', () => ({ ...WIDE_RANGE, search: 'recycled' }), PRICE_WAYS),
    each(
      'narrow price range and word in half, every sort',
      (number) => ({ ...landmarks.narrowRange(roundOf(number)), search: 'quality' }),
      PRICE_WAYS
    ),
    each(
      'category, price range and word, every sort',
      (number) => ({ ...categoryOf(number), ...WIDE_RANGE, search: choose(COMMON_WORDS, roundOf(number)) }),
      PRICE_WAYS
    ),
    search('a deep page of a word in 4 %, every sort', (number) =>
      deepQuery(landmarks, { search: 'recycled', ...eachSort(number) }, false)
    )
  ]
}

function each(name: string, filters: Scenario['question'], floors = WAYS): Scenario {
  return search(name, (number) => ({ ...filters(number), ...eachSort(number) }), floors)
}

function search(name: string, question: Scenario['question'], floors = WAYS): Scenario {
  return { name, resource: 'list', floors, question }
}

function brandOf(index: number): string {
  const beginning = brandBeginnings[(index * 7) % brandBeginnings.length] ?? ''
  return `${beginning}${brandEndings[(index * 11) % brandEndings.length]}`.toLowerCase()
}
