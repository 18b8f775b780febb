import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant, Integer, wholeNumber } from '../scope.ts'
import { askedOfRule, Rule, Rules } from './rule.ts'

const aboutAll = { refused: 'a policy is about the jobs of all domains' }
const time = Instant.nullable()

/** The last run of a rule. */
const Run = z.object({
  due_at: Instant.describe('The time for which it ran.'),
  began_at: Instant.describe('When the run began.'),
  ended_at: time.describe('When the run ended; null while it goes on.'),
  state: z
    .string()
    .describe(
      '`running`, or how it ended: `done`, `partial` and `failed` as of operations; `reported` for a run that only counted; `refused` where the author may not make the change any more, or not as large a one.',
    ),
  operation_id: Integer.nullable().describe(
    'The operation that changed the jobs; null where nothing matched, and for a run that only counted.',
  ),
  matched: Count.nullable().describe('How many jobs matched; null until they are counted.'),
  complete: z.boolean().describe('False where more jobs may match than were counted.'),
  affected: Count.describe('How many jobs the run changed.'),
  left: Count.describe('How many of the counted jobs are left to the next run.'),
  missed: Count.describe(
    'How many times have passed without a run before this one: no server ran, or the run before took longer.',
  ),
  problem: z.string().nullable().describe('Why the run is refused, failed or partial, or waits, as a clause.'),
})

/** A rule with its times. A later version may have written one that this version does not know. */
export const RuleState = z.object({
  name: z.string().describe('The name of the rule.'),
  rule: Rule.describe('What the rule does and when.'),
  next_at: Instant.describe('When the rule runs next.'),
  later: z.array(Instant).optional().describe('The two times after `next_at`; absent from servers of older versions.'),
  last: Run.nullable().describe('The last run; null before the first one.'),
})
export type RuleState = z.output<typeof RuleState>

/** A rule that no server of this version runs. */
const BrokenRule = z.object({
  name: z.string().describe('The name of the rule.'),
  problem: z
    .string()
    .describe('Why, as a clause: somebody has changed its row by hand, or a later version has written it.'),
})
export type BrokenRule = z.output<typeof BrokenRule>

/** What is applied. */
export const Policy = z.object({
  revision: Count.describe('Counts the policies that were applied; 0 before the first one.'),
  applied: z
    .object({
      caller: z.string().describe('The id of the caller who applied it.'),
      name: z.string().describe('The name of this caller.'),
      at: Instant.describe('When it was applied.'),
      reason: z.string().nullable().describe('Why it was applied; null where no reason was given.'),
      plan: Integer.optional().describe('The plan by which another principal approved it; absent where none did.'),
    })
    .nullable()
    .describe(
      'Who applied it, when and why; null before the first one, and where `problem` says that somebody has changed it by hand.',
    ),
  problem: z
    .string()
    .nullable()
    .describe(
      'Why no rule runs, as a clause: the author has lost a right, is not known any more, or servers do nothing in the background. Null where they run.',
    ),
  stopped: z
    .boolean()
    .optional()
    .describe('True where no rule runs: `problem` says why. Absent from servers of older versions.'),
  author_until: time.describe('When the token of the author expires, and with it the policy; null where it does not.'),
  rules: z.array(RuleState).describe('The rules, by name.'),
  broken: z
    .array(BrokenRule)
    .optional()
    .describe('The rules that no server of this version runs; absent from servers of older versions.'),
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
  name: z.string().describe('The name of the rule.'),
  next_at: Instant.describe('When the rule runs for the first time.'),
  matched: Count.nullable().describe('How many jobs match now; null where the count takes too long.'),
  complete: z.boolean().describe('False where more jobs may match than were counted.'),
  would_change: Count.nullable().describe('How many of them a run changes: at most `max` of the rule.'),
  at_most: Count.optional().describe(
    'How many jobs a run changes at most: `max` of the rule where the count takes too long.',
  ),
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
    first_runs: z
      .array(FirstRun)
      .optional()
      .describe(
        'In a dry run: what the first run of each rule would do, and whether the policy or its author would change.',
      ),
    would_change: z.boolean().optional().describe('In a dry run: whether the policy or its author would change.'),
  }),
  changes: ({ dry_run }) => !dry_run,
})
