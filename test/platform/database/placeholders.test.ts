import fc from 'fast-check'
import t from 'tap'
import { padValues, placeholders } from '../../../src/platform/database/statement-values.ts'

t.test('a list is padded with its last value, and keeps its values in order', async () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 20 }), fc.nat(20), (values, more) => {
      const count = values.length + more
      const padded = padValues(values, count)
      return (
        padded.length === count &&
        placeholders(count).split(', ').length === count &&
        values.every((value, place) => padded[place] === value) &&
        padded.slice(values.length).every((value) => value === values.at(-1))
      )
    })
  )
})

t.test('no value, and too many, do not fit', async (t) => {
  t.throws(() => padValues([], 3), RangeError)
  t.throws(() => padValues([1, 2, 3, 4], 3), RangeError)
  t.equal(placeholders(3), '?, ?, ?')
})
