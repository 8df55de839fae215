/** The scenarios that a goal is about. */
export const PLAIN = 'all products, every sort'
export const DEEP_FORWARD = 'a deep page, forward, every sort'
export const DEEP_BACKWARD = 'a deep page, backward, every sort'
export const WORD_IN_HALF = 'a word in half of the rows, every sort'
export const NEVER_MEET = 'two words in 4 % that never meet, every sort'
