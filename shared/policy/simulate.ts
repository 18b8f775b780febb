import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { askedOfRule, Rules } from './rule.ts'

/** The most days of a simulation. */
export const mostDays = 31

/** One day of a simulated rule, by the clocks of its time zone; days without a run are left out. */
export const SimulatedDay = z.object({
  day: z.string().describe('The day, such as `2026-11-30`.'),
  runs: Count.describe('How often the rule would have run.'),
  matched: Count.describe(
    'Jobs that came under the rule since the day before; on the first day with all that were under it by then.',
  ),
  would_change: Count.describe(
    'Those that the runs of the day would have taken, by `max` of the rule, with those that were left before.',
  ),
  left: Count.describe('Those that the last run of the day would have left.'),
})
export type SimulatedDay = z.output<typeof SimulatedDay>

/** What became of the jobs that came under a rule, after the first run that would have met them. A job may count in several. */
const Afterwards = z.object({
  retried: Count.describe('Jobs that a retry, a requeue or their dependencies made run again.'),
  revealed: Count.describe('Jobs that somebody saw without the mask of secrets.'),
  edited: Count.describe('Jobs that somebody edited.'),
  held: Count.describe('Jobs that a hold keeps which was added within the days.'),
  ran: Count.nullable().describe(
    'Jobs that began to run, or that completed: a sweep would have ended them. Null for a prune.',
  ),
})
export type Afterwards = z.output<typeof Afterwards>

export const SimulatedRule = z.object({
  name: z.string().describe('The name of the rule.'),
  why: z.string().nullable().describe('Why the rule was not counted, as a clause; null where it was.'),
  days: z.array(SimulatedDay).nullable().describe('Null where the rule was not counted, as is `afterwards`.'),
  matched: Count.describe('How many jobs came under the rule in all.'),
  would_change: Count.describe('How many of them its runs would have taken.'),
  afterwards: Afterwards.nullable().describe(
    'What became of the jobs that came under the rule; null where it was not counted.',
  ),
  at_least: z.boolean().describe('True where the numbers are lower bounds: `not_known` says why.'),
  not_known: z.array(z.string()).describe('What the numbers lack, as sentences.'),
})
export type SimulatedRule = z.output<typeof SimulatedRule>

export const Simulation = z.object({
  from: z.string().describe('When the first day begins.'),
  to: z.string().describe('When the last day ends.'),
  rules: z.array(SimulatedRule).describe('The rules, in the order of the request.'),
})
export type Simulation = z.output<typeof Simulation>

export const simulatePolicy = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/policy/simulate',
  meaning:
    'What the rules of a policy would have taken on each of the last days, and how many of these jobs were retried, revealed, edited or held afterwards. It reads the jobs that are there, the archive, the events and the images of retries, and changes nothing. All rules together are counted for 10 s, and of one rule 1,000,000 jobs and the newest 500,000 events are read: where that is not all, `at_least` is true.',
  slow: true,
  needs: 'read',
  needsFor: () => 'records',
  scoped: { refused: 'a policy is about the jobs of all domains' },
  verb: ({ rules }) => ['policy', ...rules.flatMap(askedOfRule)],
  input: z.strictObject({
    rules: Rules.describe('the rules, as a policy has them'),
    days: wholeNumber(1, mostDays).default(7).describe('how many days up to now, of 24 h each'),
  }),
  output: Simulation,
  changes: () => false,
})
