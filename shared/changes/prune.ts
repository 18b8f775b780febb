import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { askedWithEnded } from '../engine/verbs.ts'
import { Count, Instant, scopeFields, wholeNumber } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { bulkAnswer, bulkFields, Group, kept_by_hold } from './bulk-change.ts'
import { documentsOfIds, fieldsBesideScope, prepareFilter } from './filtered-change.ts'
import { kinds } from './kinds.ts'
import { refusedAnswer } from './refused.ts'

/** The statuses that a prune may delete: a prune never deletes live work. */
export const prunableStatuses = kinds.prune.takes

const live = ['queued', 'processing']

const PrunableStatus = z
  .string('must be a status')
  .trim()
  .toLowerCase()
  .refine(
    (status) => !live.includes(status),
    'a prune never deletes live work; end queued and processing jobs with the TTL sweep',
  )
  .pipe(z.enum(prunableStatuses, `must be one of ${prunableStatuses.join(', ')}`))

const Prune = z.strictObject({
  statuses: z
    .array(z.unknown(), 'must be a list of statuses')
    .min(1, 'must name at least one status')
    .max(100, 'must name at most 100 statuses')
    .pipe(z.array(PrunableStatus))
    .transform((statuses) => [...new Set(statuses)])
    .default(['completed', 'failed', 'cancelled'])
    .meta({ items: { type: 'string', enum: prunableStatuses } })
    .describe('of `completed`, `failed`, `cancelled`, `quarantined`'),
  older_than_days: wholeNumber(1, 3650).default(30).describe('days since the job ended'),
  ...scopeFields,
  ...fieldsBesideScope,
  ...bulkFields,
  with_foreign_rows: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused',
    ),
  pass_over_foreign: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'leave out jobs to which rows of other tables refer by a foreign key that forbids their deletion; without it a prune of such jobs is refused',
    ),
  no_archive: z
    .boolean('must be true or false')
    .default(false)
    .describe(
      'delete the jobs without a copy in the archive: no undo can give them back. The preview and the record say so (`no_way_back`)',
    ),
  detail_top_k: wholeNumber(0, 100).default(0).describe('dry run only: list this number of the largest groups'),
  include_kept: z
    .boolean('must be true or false')
    .default(false)
    .describe('dry run only: count what stays, too, at the cost of reading the finished jobs in scope'),
})
export const PruneRequest = z.preprocess(prepareFilter, Prune)
export type PruneRequest = z.output<typeof PruneRequest>

export const PruneGroup = Group.extend({
  keep: Count.optional().describe(
    'With `include_kept`: how many jobs of the group stay, and when the oldest job to delete ended.',
  ),
  oldest: Instant.nullish().describe('When the oldest job to delete ended.'),
})
export type PruneGroup = z.output<typeof PruneGroup>

const ArchivedTwins = z.object({
  count: Count.describe('How many jobs stay for this reason.'),
  ids: z.array(JobId).describe('At most 20.'),
})
export type ArchivedTwins = z.output<typeof ArchivedTwins>

/** In a dry run `deleted` is the number that would be deleted. */
export const PruneResult = z.object({
  deleted: Count.describe('How many jobs were deleted, or would be in a dry run.'),
  groups: z.array(PruneGroup).optional().describe('In a dry run with `detail_top_k`: the largest groups.'),
  kept: Count.optional().describe('In a dry run with `include_kept`: how many finished jobs of the scope stay.'),
  already_archived: ArchivedTwins.optional().describe(
    'The jobs that stay since the archive has a job of the same uuid, and takes each uuid once; absent where there are none.',
  ),
  kept_by_hold,
  passed_over: Count.optional().describe(
    'With `pass_over_foreign`: how many jobs stay, since rows of other tables refer to them.',
  ),
  ...refusedAnswer,
  ...bulkAnswer,
})
export type PruneResult = z.output<typeof PruneResult>

export const prune = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/prune',
  meaning: 'Deletes finished jobs whose end is longer ago than the retention.',
  needs: 'change',
  scoped: 'narrowed',
  verb: ({ statuses }) => askedWithEnded('prune', statuses),
  input: PruneRequest,
  output: PruneResult,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
