import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { askedOfRule, Rules } from './rule.ts'

/** The most days of a simulation. */
export const mostDays = 31

/** One day of a simulated rule, by the clocks of its time zone; days without a run are left out. */
export const SimulatedDay = z.object({
  day: z.string(),
  /** How often the rule would have run. */
  runs: Count,
  /** Jobs that came under the rule since the day before; on the first day with all that were under it by then. */
  matched: Count,
  /** Those that the runs of the day would have taken, by `max` of the rule, with those that were left before. */
  would_change: Count,
  /** Those that the last run of the day would have left. */
  left: Count,
})
export type SimulatedDay = z.output<typeof SimulatedDay>

/** What became of the jobs that came under a rule, after the first run that would have met them. A job may count in several. */
const Afterwards = z.object({
  /** Jobs that a retry, a requeue or their dependencies made run again. */
  retried: Count,
  /** Jobs that somebody saw without the mask of secrets. */
  revealed: Count,
  edited: Count,
  /** Jobs that a hold keeps which was added within the days. */
  held: Count,
  /** Jobs that began to run, or that completed: a sweep would have ended them. Null for a prune. */
  ran: Count.nullable(),
})
export type Afterwards = z.output<typeof Afterwards>

export const SimulatedRule = z.object({
  name: z.string(),
  /** Why the rule was not counted, as a clause; null where it was. */
  why: z.string().nullable(),
  /** Null where the rule was not counted, as is `afterwards`. */
  days: z.array(SimulatedDay).nullable(),
  /** How many jobs came under the rule in all. */
  matched: Count,
  /** How many of them its runs would have taken. */
  would_change: Count,
  afterwards: Afterwards.nullable(),
  /** True where the numbers are lower bounds: `not_known` says why. */
  at_least: z.boolean(),
  /** What the numbers lack, as sentences. */
  not_known: z.array(z.string()),
})
export type SimulatedRule = z.output<typeof SimulatedRule>

export const Simulation = z.object({ from: z.string(), to: z.string(), rules: z.array(SimulatedRule) })
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
