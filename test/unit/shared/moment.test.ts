import { expect, it } from 'vitest'
import { Time } from '../../../shared/scope.ts'
import { readMoment } from '../../../shared/times/moment.ts'
import { type Meaning, times } from '../../support/times.ts'

const now = Date.parse('2026-01-31T12:00:00Z')

it.each(times)('reads %j', ({ words, past, future }) => {
  expect(readMoment(words, 'past', now)).toEqual(expected(past))
  expect(readMoment(words, 'future', now)).toEqual(expected(future))
})

it('gives the API no time that it refuses', () => {
  for (const { words } of times)
    for (const direction of ['past', 'future'] as const) {
      const moment = readMoment(words, direction, now)
      if ('at' in moment) expect(Time.parse(moment.at)).toBe(moment.at)
    }
})

function expected(meaning: Meaning): object {
  if ('seconds' in meaning) return { at: new Date(now + 1000 * meaning.seconds).toISOString() }
  return 'wrong' in meaning ? { wrong: expect.stringContaining(meaning.wrong) } : meaning
}
