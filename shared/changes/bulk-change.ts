import * as z from 'zod'
import { Count, groupNames, Instant, Integer, optional, Time, wholeNumber } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { Waiting } from './waiting.ts'

/** The token of a preview. A blank token and null are rejected: the script that sends one had no preview, and must not change anything. */
const previewToken = z
  .string('must be the token of a preview, or left out')
  .regex(/\S/, 'must be the token of a preview, or left out')
  .max(131_072, 'is longer than any token')
  .optional()

/** The fields that every request of a bulk change has beside its filters. */
export const bulkFields = {
  dry_run: z.boolean('must be true or false').default(false).describe('count, and change nothing'),
  max: wholeNumber(1).optional().describe('refuse, and change nothing, when more jobs match'),
  /** The reference time is that of the preview. A dry run checks the token as the change does, and answers `still_matching`. */
  preview_token: previewToken.describe(
    'the `token` of a preview: the change touches the jobs of this preview and no others',
  ),
  rate: optional(wholeNumber(1, 1_000_000)).describe('at most this number of jobs a second'),
  until: optional(Time).describe('no batch begins after this time; the change then ends as `partial`'),
}

/** Jobs of the same domain, queue, job type and status. */
export const Group = z.object({
  ...groupNames,
  status: z.string().describe('The state of the jobs.'),
  count: Count.describe('How many jobs the group has.'),
  oldest: Instant.nullish().describe(
    'The first of the times that the filters compare, of the jobs of this group. Servers of version 0.1.0 do not send it.',
  ),
})
export type Group = z.output<typeof Group>

/** Rows of another table that a foreign key deletes or changes along with the jobs. */
export const ForeignRows = z.object({
  table: z.string().describe('The name with its schema, as SQL has it.'),
  action: z.string().describe('`deleted`, `set_null` or `set_default`.'),
  rows: Count.nullable().describe('Null where the server may not read them.'),
})
export type ForeignRows = z.output<typeof ForeignRows>

/** How many jobs the rows of a table keep by a foreign key, and one of them. */
export const ForeignHolder = z.object({
  table: z.string().describe('The name with its schema, as SQL has it.'),
  jobs: Count.describe('How many jobs the rows of the table keep.'),
  job_id: JobId.describe('One of these jobs.'),
})
export type ForeignHolder = z.output<typeof ForeignHolder>

export const kept_by_hold = Count.optional().describe(
  'Of a prune, a sweep or an erasure: how many further jobs match and stay, since a hold keeps them; of an erasure archived copies, too. Servers of version 0.1.0 do not send it; servers up to 0.2.0 only in a preview.',
)

/** What a change would affect; times are ISO 8601 in UTC. */
export const Preview = z.object({
  token: z.string().describe('The value for `preview_token`; one change can use it.'),
  as_of: Instant.describe('The reference time of the change, to the microsecond.'),
  expires_at: Instant.describe('Until when the token is taken.'),
  count: Count.describe('How many jobs match.'),
  complete: z
    .boolean()
    .optional()
    .describe(
      'False where the count took longer than 10 s, or than a statement may take. `count` is then `count_at_least`, and groups, owners, reasons and times are not known. Estimates (`eta_seconds`, `bytes_estimate`, `wal_bytes`, `archive_bytes`) are of the counted jobs alone, so that no duration follows from them. A change with this token needs `max`. Servers of version 0.1.0 send neither field.',
    ),
  count_at_least: Count.optional().describe(
    'How many jobs were counted until then; present where `complete` is false.',
  ),
  groups: z.array(Group).describe('The 100 largest groups.'),
  oldest: Instant.nullable().describe(
    'The first and the last of the times that the filters compare, such as the times when the jobs ended.',
  ),
  newest: Instant.nullable().describe('The last of these times; null where no job matches.'),
  owners: z
    .array(
      z.object({
        owner_user_id: z.string().nullable().describe('The owner; null for jobs without one.'),
        count: Count.describe("How many of the jobs are the owner's."),
      }),
    )
    .describe('The ten owners with the most jobs.'),
  reasons: z
    .array(
      z.object({
        reason: z.string().describe('The reason, in one word.'),
        count: Count.describe('How many jobs match for this reason.'),
      }),
    )
    .optional()
    .describe(
      'Why the jobs match, where a change has several reasons: `age` and `runtime` of a sweep, `stale_lease` and `expired_lease` of an integrity sweep.',
    ),
  dependents: Count.optional().describe(
    'How many further jobs the change takes along: queued jobs that are cancelled, since they depend on a job that the change ends or deletes; or cancelled jobs that are brought back with a job that runs again.',
  ),
  dependents_elsewhere: Count.optional().describe(
    'To a token with a scope: how many further jobs outside of its scope the change takes along, which `dependents` then leaves out. The change is refused unless the token may (`cascade`). Servers of version 0.1.0 do not send it.',
  ),
  restorable: Count.optional().describe('How many of the jobs an undo could restore right after the change.'),
  no_way_back: z.string().optional().describe('Why no undo can give the jobs back, as a clause; absent where one may.'),
  kept_by_hold,
  still_matching: Count.optional().describe('With `preview_token`: how many jobs of that preview still match.'),
  bytes_estimate: Count.describe('Estimated from a sample of 200 jobs.'),
  archive_bytes: Count.optional().describe(
    'Estimated: by how many bytes the archive grows. Servers of version 0.1.0 send none of the next four fields.',
  ),
  archive_full: z
    .object({
      bytes: Count.describe('The size of the archive, in bytes.'),
      limit: Count.describe('The limit of the archive, in bytes (`JOBS_ARCHIVE_MAX_BYTES`).'),
    })
    .optional()
    .describe(
      'The size of the archive in bytes, and its limit, where it is above it now: the change would be refused.',
    ),
  kept_days: Count.nullish().describe(
    'For how many days the jobs are kept for an undo; null where none can be given back.',
  ),
  wal_bytes: Count.optional().describe('Estimated: how many bytes of the write-ahead log the change writes.'),
  not_watched: z
    .array(z.string())
    .optional()
    .describe(
      'The limits (`pressures`) that the change cannot keep, since the server cannot read what they are about.',
    ),
  foreign_rows: z
    .array(ForeignRows)
    .optional()
    .describe('Of a prune: the rows of other tables that are deleted with the jobs.'),
  foreign_holders: z
    .array(ForeignHolder)
    .optional()
    .describe(
      'Of a prune: which tables forbid that jobs are deleted; with `pass_over_foreign` these jobs stay, and are not counted.',
    ),
  sample_ids: z.array(JobId).describe('The ids of ten jobs at most.'),
  eta_seconds: z.number().nonnegative().describe('Estimated from the rate of the last changes of this kind.'),
})
export type Preview = z.output<typeof Preview>

/** The fields that every response of a bulk change has beside its counts. Other servers send none of them. */
export const bulkAnswer = {
  preview: Preview.optional().describe('Present in a dry run.'),
  operation_id: Integer.optional().describe('The id of the operation, where at least one job was changed.'),
  batches: Count.optional().describe('How many transactions the change took.'),
  elapsed_ms: Count.optional().describe('How long the change took, in milliseconds.'),
  dependents: Count.optional().describe(
    'How many further jobs were changed along: cancelled, since they depended on a job that the change ended or deleted; or given back with one that an undo gives back. Absent where there were none, and from servers up to 0.2.0, but for a retry and a requeue.',
  ),
  dependents_elsewhere: Count.optional().describe(
    'To a token with a scope: how many further jobs outside of it, which `dependents` then leaves out.',
  ),
  skipped: Count.optional().describe(
    'Jobs of the preview that were not changed: other programs had changed them, or held them.',
  ),
  skipped_locked: Count.optional().describe('Jobs that were not changed because other transactions held them.'),
}

/**
 * The response with status 202 to a change with `Prefer: respond-async`: the change goes on without its caller, and this is its record
 * so far. The same `Idempotency-Key` gets the same operation again.
 */
export const Accepted = z.object({
  operation_id: Integer,
  kind: z.string(),
  state: z.string().describe('`running`; another state where the request was sent before, and has ended since.'),
  previewed: Count.nullable().describe('The count of the preview that the change is bound to; null without a preview.'),
  as_of: Instant.describe('The reference time of its filters.'),
})
export type Accepted = z.output<typeof Accepted>

/** The progress of a change, sent to callers with `Accept: application/x-ndjson`. */
export const Progress = z.object({
  operation_id: Integer,
  affected: Count,
  total: Count.nullable().describe('The count of the preview; null without a preview.'),
  batches: Count,
  elapsed_ms: Count,
  counted: Count.optional().describe(
    'Present while a change counts its jobs before its first batch: how many it has counted.',
  ),
  waiting: Waiting.optional().describe('Present while the change waits between two batches.'),
})
export type Progress = z.output<typeof Progress>

/** One line of that response: lines of progress, then the response itself or a failure (RFC 9457). */
export const ProgressLine = z.union([
  z.object({ progress: Progress }),
  z.object({ result: z.unknown() }),
  z.object({ error: z.unknown() }),
])
export type ProgressLine = z.output<typeof ProgressLine>
