/** Random numbers that depend only on a seed and the index of a row. */
export interface Random {
  /** Restarts with the numbers of one row. */
  start(index: number): void
  /** Draws 32 random bits as an unsigned integer. */
  bits(): number
  /** Draws a number from 0 up to, but not including, 1. */
  fraction(): number
  /** Draws an integer from 0 to `bound - 1`. */
  below(bound: number): number
  /** Returns true with this probability. */
  chance(probability: number): boolean
}

const TWO_TO_32 = 2 ** 32
/** The recommendation of the author for similar seeds. */
const WARM_UP_ROUNDS = 15

/**
 * Creates the generator sfc32 (Chris Doty-Humphrey, PractRand). Seed, index and stream are its state, so rows never share
 * a state. It uses only integers and exact divisions, so every machine draws the same numbers.
 * @param stream separates the numbers of one purpose from those of another
 */
export function createRandom(seed: number, stream: number): Random {
  let a = 0
  let b = 0
  let c = 0
  let counter = 0

  function start(index: number) {
    a = seed | 0
    b = index | 0
    c = stream | 0
    counter = 1
    for (let round = 0; round < WARM_UP_ROUNDS; round++) bits()
  }

  function bits(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  return {
    start,
    bits,
    fraction: () => bits() / TWO_TO_32,
    below: (bound) => Math.floor((bits() / TWO_TO_32) * bound),
    chance: (probability) => bits() / TWO_TO_32 < probability
  }
}

/**
 * Creates a function that draws one of the choices by Zipf's law: the k-th has weight 1/k.
 * @param slots the resolution of the shares; a choice without a slot is never drawn
 */
export function zipfChoice<T>(choices: readonly T[], slots = 2 ** 10): (random: Random) => T {
  return weightedChoice(
    choices.map((choice, index) => [choice, 1 / (index + 1)]),
    slots
  )
}

/** Creates a function that draws one of the choices in proportion to its weight. */
export function weightedChoice<T>(choices: readonly (readonly [T, number])[], slots: number): (random: Random) => T {
  const table = new Array<T>(slots)
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0)
  let passed = 0
  for (const [choice, weight] of choices) {
    table.fill(choice, Math.round((passed / total) * slots), Math.round(((passed + weight) / total) * slots))
    passed += weight
  }
  return (random) => table[random.below(slots)] as T
}
