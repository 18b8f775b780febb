import * as z from 'zod'
import { prunableStatuses } from '../changes/prune.ts'
import { askedOfSweep, sweepActions } from '../changes/sweep.ts'
import type { Verb } from '../engine/verbs.ts'
import { Domain, JobType, Queue, wholeNumber } from '../scope.ts'
import { cronPattern, faultOfTimes, isTimeZone } from './schedule.ts'

const longestSeconds = 3650 * 86_400

/** Deletes finished jobs that ended longer ago. */
const Prune = z.strictObject({
  statuses: z
    .array(z.enum(prunableStatuses, `must be one of ${prunableStatuses.join(', ')}`), 'must be a list of statuses')
    .min(1, 'must name at least one status')
    .max(prunableStatuses.length, 'names a status twice')
    .refine((statuses) => new Set(statuses).size === statuses.length, 'names a status twice')
    .describe('the states of the jobs that are deleted'),
  older_than_days: wholeNumber(1, 3650).describe('jobs that ended longer ago than this number of days are deleted'),
})

/** Ends jobs that wait or run for longer. */
const Sweep = z
  .strictObject({
    age_seconds: wholeNumber(60, longestSeconds)
      .optional()
      .describe('queued jobs that are at least this number of seconds old are ended'),
    runtime_seconds: wholeNumber(60, longestSeconds)
      .optional()
      .describe('running jobs that were picked up at least this number of seconds ago are ended'),
    action: z.enum(sweepActions, 'must be cancel or fail').describe('how the jobs end'),
  })
  .refine(({ age_seconds, runtime_seconds }) => age_seconds !== undefined || runtime_seconds !== undefined, {
    path: ['age_seconds'],
    message: 'give age_seconds, runtime_seconds or both',
  })

/** `apply` makes the change; `report` tells what it would have done. */
const modes = ['apply', 'report'] as const

/** The most jobs that one run may change. */
const mostPerRun = 10_000_000

/** One rule of a policy: a change that the server makes at its times. */
export const Rule = z
  .strictObject({
    name: z
      .string('must be a text')
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be small letters, digits, - and _, at most 63 of them')
      .describe('the name of the rule: small letters, digits, `-` and `_`, at most 63'),
    domain: Domain.optional(),
    queue: Queue.optional(),
    job_type: JobType.optional(),
    all: z
      .literal(true, 'must be true, or left out')
      .optional()
      .describe('`true` for the jobs of every domain, in place of `domain`, `queue` and `job_type`'),
    prune: Prune.optional().describe(
      'deletes finished jobs: `statuses` and `older_than_days`, both as in a prune. A rule has `prune` or `sweep`',
    ),
    sweep: Sweep.optional().describe(
      'ends jobs that wait or run for too long: `age_seconds`, `runtime_seconds` (60 at least) and `action`, as in a sweep',
    ),
    at: z
      .string('must be times of cron')
      .max(200, 'must be at most 200 characters')
      .regex(cronPattern, 'must be five fields of cron, one space apart and without L, W, # and ?, such as 15 3 * * *')
      .superRefine((at, context) => {
        const fault = cronPattern.test(at) ? faultOfTimes(at) : undefined
        if (fault) context.addIssue({ code: 'custom', message: fault })
      })
      .describe('when the rule runs: minute, hour, day, month and weekday of cron, such as `15 3 * * *`'),
    time_zone: z
      .string('must be a time zone')
      .max(100, 'must be at most 100 characters')
      .refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC')
      .describe('the time zone of `at`, such as `Europe/Berlin`'),
    max: wholeNumber(1, mostPerRun).describe(
      'the most jobs of one run, the oldest first; the others are left to the next run',
    ),
    mode: z.enum(modes, 'must be apply or report').describe('`apply`, or `report` to count only'),
    approval_above: wholeNumber(0)
      .optional()
      .describe(
        'a change of more jobs that may meet the jobs of the rule needs an approval, also where an admin makes it',
      ),
  })
  .refine(({ prune, sweep }) => (prune === undefined) !== (sweep === undefined), {
    path: ['prune'],
    message: 'give prune or sweep, one of them',
  })
  .refine(
    ({ domain, queue, job_type, all }) =>
      (domain !== undefined || queue !== undefined || job_type !== undefined) !== (all === true),
    { path: ['domain'], message: 'give domain, queue or job_type, or all: true to mean the jobs of every domain' },
  )
export type Rule = z.output<typeof Rule>

/** What the change of a rule asks of the engine. */
export const askedOfRule = ({ prune, sweep }: Rule): readonly Verb[] => [
  ...(prune ? ['prune' as const] : []),
  ...(sweep ? askedOfSweep(sweep) : []),
]

const mostRules = 100

/** All rules of a policy; none ends it. */
export const Rules = z
  .array(Rule, 'must be a list of rules')
  .max(mostRules, `must have at most ${mostRules} rules`)
  .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'names a rule twice')
