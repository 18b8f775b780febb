import * as z from 'zod'
import { Count, wholeNumber } from '../scope.ts'

/** The signed word of a server for what its preview counted. A blank one is that of a preview which failed, and not absent. */
const previewToken = z
  .string('must be the token of a preview')
  .regex(/\S/, 'must be the token of a preview, or left out')
  .max(131_072, 'is longer than any token')
  .nullish()
  .transform((token) => token ?? undefined)

/** What the request of every bulk change has beside its filters. */
export const bulkFields = {
  dry_run: z.boolean('must be true or false').default(false),
  /** The largest number of jobs it may touch; above it, nothing is changed. */
  max: wholeNumber(1).optional(),
  /** Go by this preview: its reference time, its jobs and no others, at most as many as it counted. */
  preview_token: previewToken,
}

/** Jobs that are alike. */
export const Group = z.object({
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  status: z.string(),
  count: Count,
})
export type Group = z.output<typeof Group>

/** What a change would touch; times are ISO 8601 in UTC. */
export const Preview = z.object({
  /** For `preview_token`, once. */
  token: z.string(),
  /** The one time that the change will go by, to the microsecond. */
  as_of: z.string(),
  expires_at: z.string(),
  count: Count,
  /** The largest 100. */
  groups: z.array(Group),
  /** The first and the last of the times that the filters look at, such as when the jobs ended. */
  oldest: z.string().nullable(),
  newest: z.string().nullable(),
  /** Whose jobs they are: the ten with the most. */
  owners: z.array(z.object({ owner_user_id: z.string().nullable(), count: Count })),
  /** Told from a sample. */
  bytes_estimate: Count,
  /** Ten at most, to look at. */
  sample_ids: z.array(z.number()),
  /** By the pace of the last changes of this kind. */
  eta_seconds: z.number().nonnegative(),
})
export type Preview = z.output<typeof Preview>

/** What the answer of every bulk change has beside its counts. Other servers have none of it. */
export const bulkAnswer = {
  /** In a dry run. */
  preview: Preview.optional(),
  /** Its record, where anything was changed. */
  operation_id: z.number().optional(),
  batches: Count.optional(),
  elapsed_ms: Count.optional(),
  /** Counted in the preview and not changed, since they had gone on by themselves or were held by another. */
  skipped: Count.optional(),
  /** Left alone, since other transactions held them. */
  skipped_locked: Count.optional(),
}

/** How far a change has come, as `Accept: application/x-ndjson` tells it. */
export const Progress = z.object({
  operation_id: z.number(),
  affected: Count,
  /** How many it will be at most, where that was counted. */
  total: Count.nullable(),
  batches: Count,
  elapsed_ms: Count,
})
export type Progress = z.output<typeof Progress>

/** One line of such an answer: many of progress, then what would have been the answer, or a failure (RFC 9457). */
export const ProgressLine = z.union([
  z.object({ progress: Progress }),
  z.object({ result: z.unknown() }),
  z.object({ error: z.unknown() }),
])
export type ProgressLine = z.output<typeof ProgressLine>
