import { expect, it } from 'vitest'
import { lieOf } from '../../../scripts/campaigns/trouble/outcome.ts'

const said = (code: string, sentence: string) =>
  ({ client: 'HTTP', status: 503, code, sentence, affected: undefined }) as const
const unknown = said('outcome_unknown', 'the connection broke after 1,024 jobs of operation 1, and perhaps some more')
const partial = said('partial', 'the disk is full; 512 jobs were changed before that, and no more (operation 1)')

it.each([
  [unknown, 1024, false],
  [unknown, 1536, false],
  [unknown, 512, true],
  [partial, 512, false],
  [partial, 513, true],
  [said('database_unavailable', 'the database is away; nothing was changed'), 1, true],
  [said('outcome_unknown', 'the connection broke; the change was made whole, or not at all'), 7, true],
])('a campaign takes "%o" for a lie where %i of 2,000 jobs changed: %s', (outcome, changed, isLie) => {
  expect(lieOf(outcome, { jobs: 2000, changed }) !== undefined).toBe(isLie)
})
