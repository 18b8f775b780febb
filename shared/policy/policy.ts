import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { askedOfRule, Rule, Rules } from './rule.ts'

const aboutAll = { refused: 'a policy is about the jobs of all domains' }
const time = z.string().nullable()

/** The last run of a rule. */
const Run = z.object({
  /** The time for which it ran. */
  due_at: z.string(),
  began_at: z.string(),
  ended_at: time,
  /**
   * `running`, or how it ended: `done`, `partial` and `failed` as of operations; `reported` for a run that only counted; `refused` where
   * the author may not make the change any more, or not as large a one.
   */
  state: z.string(),
  /** The operation that changed the jobs; null where nothing matched, and for a run that only counted. */
  operation_id: z.number().nullable(),
  /** How many jobs matched; null until they are counted. */
  matched: Count.nullable(),
  /** False where more jobs may match than were counted. */
  complete: z.boolean(),
  affected: Count,
  /** How many of the counted jobs are left to the next run. */
  left: Count,
  /** How many times have passed without a run before this one: no server ran, or the run before took longer. */
  missed: Count,
  /** Why the run is refused, failed or partial, or waits, as a clause. */
  problem: z.string().nullable(),
})

/** A rule with its times. A later version may have written one that this version does not know. */
export const RuleState = z.object({
  name: z.string(),
  rule: Rule,
  next_at: z.string(),
  /** The two times after `next_at`; absent from servers of older versions. */
  later: z.array(z.string()).optional(),
  last: Run.nullable(),
})
export type RuleState = z.output<typeof RuleState>

/** A rule that no server of this version runs. */
const BrokenRule = z.object({
  name: z.string(),
  /** Why, as a clause: somebody has changed its row by hand, or a later version has written it. */
  problem: z.string(),
})
export type BrokenRule = z.output<typeof BrokenRule>

/** What is applied. */
export const Policy = z.object({
  /** Counts the policies that were applied; 0 before the first one. */
  revision: Count,
  /** Who applied it, when and why; null before the first one, and where `problem` says that somebody has changed it by hand. */
  applied: z
    .object({
      caller: z.string(),
      name: z.string(),
      at: z.string(),
      reason: z.string().nullable(),
      /** The plan by which another principal approved it; absent where none did. */
      plan: z.number().optional(),
    })
    .nullable(),
  /**
   * Why no rule runs, as a clause: the author has lost a right, is not known any more, or servers do nothing in the background. Null where
   * they run.
   */
  problem: z.string().nullable(),
  /** When the token of the author expires, and with it the policy; null where it does not. */
  author_until: time,
  rules: z.array(RuleState),
  /** The rules that no server of this version runs; absent from servers of older versions. */
  broken: z.array(BrokenRule).optional(),
})
export type Policy = z.output<typeof Policy>

export const showPolicy = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/policy',
  meaning:
    'The policy that is applied: who applied it, and each rule with its next time and its last run. Revision 0 where none was ever applied.',
  needs: 'records',
  scoped: aboutAll,
  verb: 'policy',
  input: z.strictObject({}),
  output: Policy,
  changes: () => false,
})

/** What the first run of a rule would do now. */
export const FirstRun = z.object({
  name: z.string(),
  next_at: z.string(),
  /** How many jobs match now; null where the count takes too long. */
  matched: Count.nullable(),
  complete: z.boolean(),
  /** How many of them a run changes: at most `max` of the rule. */
  would_change: Count.nullable(),
  /** How many jobs a run changes at most: `max` of the rule where the count takes too long. */
  at_most: Count.optional(),
})
export type FirstRun = z.output<typeof FirstRun>

export const applyPolicy = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/policy',
  meaning:
    'Applies a policy in place of the one that is applied. The servers then make its changes at their times, with the rights of the caller. A rule that stays as it is keeps its next time and its last run. 409 where `revision` is not that of the policy which is applied; 403 for a caller whose rights the servers could not look up later. A dry run tells what the first run of each rule would do.',
  needs: 'govern',
  scoped: aboutAll,
  verb: ({ rules }) => ['policy', ...rules.flatMap(askedOfRule)],
  input: z.strictObject({
    rules: Rules.describe('at most 100 rules; none ends the policy'),
    revision: wholeNumber(0, 2_147_483_646).describe('the revision that it replaces, 0 for the first policy'),
    dry_run: z.boolean('must be true or false').default(false).describe('count, and change nothing'),
  }),
  output: Policy.extend({
    /** In a dry run: what the first run of each rule would do, and whether the policy or its author would change. */
    first_runs: z.array(FirstRun).optional(),
    would_change: z.boolean().optional(),
  }),
  changes: ({ dry_run }) => !dry_run,
})
