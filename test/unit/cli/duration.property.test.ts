import fc from 'fast-check'
import { expect, it } from 'vitest'
import { days, durationText, seconds } from '../../../cli/text/duration.ts'
import { Failure } from '../../../shared/errors.ts'
import { anyText } from '../../support/hostile/any-text.ts'

const units = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const unit = fc.constantFrom(...Object.entries(units))

it('a duration means its number times its unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), unit, (count, [name, size]) => {
      expect(seconds(`${count}${name}`, '--age')).toBe(count * size)
      expect(seconds(` ${count}${name} `, '--age')).toBe(count * size)
    }),
  )
})

it('the text of a duration means the same duration', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000_000 }), (total) => {
      expect(seconds(durationText(total), '--age')).toBe(total)
    }),
  )
})

it('a retention is whole days, from 1 to 3650, or an error that names its flag: it is never rounded', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400_000_000 }), unit, (count, [name, size]) => {
      const total = count * size
      const fits = total % 86_400 === 0 && total >= 86_400 && total <= 3650 * 86_400
      expect(outcome(() => days(`${count}${name}`, '--older-than'))).toBe(fits ? total / 86_400 : 'refused')
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3650 }), (count) => {
      expect(days(`${count}d`, '--older-than')).toBe(count)
      expect(days(`${count * 24}h`, '--older-than')).toBe(count)
    }),
  )
})

it('any other text is refused, and never read as a number', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), anyText(), fc.double().map(String)), (text) => {
      fc.pre(!/^\s*\d+[smhdw]?\s*$/.test(text))
      expect(outcome(() => seconds(text, '--age'))).toBe('refused')
      expect(outcome(() => days(text, '--older-than'))).toBe('refused')
    }),
  )
})

function outcome(read: () => number): number | 'refused' {
  try {
    return read()
  } catch (error) {
    if (error instanceof Failure && error.code === 'usage' && error.message.startsWith('--')) return 'refused'
    throw error
  }
}
