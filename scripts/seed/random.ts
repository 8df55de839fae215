/** Random numbers that depend on nothing but a seed and the index of a row. */
export interface Random {
  /** Begins the numbers of one row. */
  start(index: number): void
  /** 32 random bits, as an unsigned integer. */
  bits(): number
  /** From 0 up to, not including, 1. */
  fraction(): number
  /** An integer from 0 to `bound - 1`. */
  below(bound: number): number
  /** True with this probability. */
  chance(probability: number): boolean
}

const TWO_TO_32 = 2 ** 32
/** What the author of the generator recommends for seeds that are close to each other. */
const WARM_UP_ROUNDS = 15

/**
 * Chris Doty-Humphrey's sfc32 (PractRand), with seed, index and stream as its state: different rows never share a
 * state. It uses integers and exact divisions only, so that every machine draws the same numbers.
 * @param stream tells the numbers of one purpose from those of another
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
 * Draws one of the choices, the first most often: by Zipf's law the k-th weighs 1/k.
 * @param slots how fine the shares are; a choice that gets no slot is never drawn
 */
export function zipfChoice<T>(choices: readonly T[], slots = 2 ** 10): (random: Random) => T {
  return weightedChoice(
    choices.map((choice, index) => [choice, 1 / (index + 1)]),
    slots
  )
}

/** Draws one of the choices, each as often as its weight says beside the others. */
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
