// Names of the scenarios that have a goal.

/** The list without filters. */
export const PLAIN = 'all products, every sort'
/** The deep page, reached by its `nextCursor`. */
export const DEEP_FORWARD = 'a deep page, forward, every sort'
/** The deep page, reached by its `prevCursor`. */
export const DEEP_BACKWARD = 'a deep page, backward, every sort'
/** The search for a very common word. */
export const WORD_IN_HALF = 'a word in half of the rows, every sort'
/** The search for two common words that no product has both of. */
export const NEVER_MEET = 'two words in 4 % that never meet, every sort'
