import type { Random } from './random.ts'

/** The sum of four dice with 32 sides, from 0, is nearly normal, with this mean and standard deviation. */
const DICE = 4
const SIDES = 32
const MEAN = 62
const DEVIATION = 18.46

/** Cents to add to a whole price, as often as they are listed. */
const ENDINGS = [-1, -1, -1, -1, -1, -1, 0, 0, 0, 49, 49, 95]
const ODD_SHARE = 0.06
const MIN_CENTS = 19

/**
 * Creates a function that draws prices in cents: log-normal around the median, then rounded as shops do. The levels are
 * products of one factor, because machines round powers of e differently.
 */
export function createPriceDistribution(medianPrice: number, spread: number): (random: Random) => number {
  const step = 1 + spread / DEVIATION
  const levels = [medianPrice]
  for (let level = 1; level <= MEAN; level++) {
    levels.push((levels.at(-1) ?? 0) * step)
    levels.unshift((levels[0] ?? 0) / step)
  }
  return (random) => {
    let level = 0
    for (let die = 0; die < DICE; die++) level += random.below(SIDES)
    const price = levels[level] ?? medianPrice
    const ending = random.below(ENDINGS.length)
    const cents = random.chance(ODD_SHARE)
      ? Math.round(price * 100) + ending
      : roundedWhole(price) * 100 + (ENDINGS[ending] ?? 0)
    return Math.max(MIN_CENTS, cents)
  }
}

/** Rounds to whole units below 100, to fives below 500, to tens above. */
function roundedWhole(price: number): number {
  const unit = price < 100 ? 1 : price < 500 ? 5 : 10
  return Math.round(price / unit) * unit
}

/** Formats cents as a price: 1250 as `12.50`. */
export function formatCents(cents: number): string {
  const fraction = cents % 100
  return `${(cents - fraction) / 100}.${fraction < 10 ? '0' : ''}${fraction}`
}
