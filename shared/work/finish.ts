import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset } from '../scope.ts'
import { JobId, Json, PathId, words } from './job.ts'
import { leaseOwnerFields, manyOf, resultOf } from './lease-owner.ts'

const finishFields = {
  ...leaseOwnerFields,
  /** Chosen by the worker: a finish that is repeated with the same token gets the same answer as the first time. */
  completion_token: optional(words(256)),
}

const completeFields = {
  ...finishFields,
  /** The result of the job, any JSON; at most `JOBS_MAX_JSON_BYTES`. */
  result: Json.optional(),
}

const failFields = {
  ...finishFields,
  /** The error message, for people. */
  error: words(10_000),
  /** The error code, for programs: a job that fails with one code several times in a row is quarantined. */
  error_code: optional(words(128)),
  error_class: optional(words(256)),
  /** Any JSON; at most `JOBS_MAX_JSON_BYTES`. */
  error_stack: Json.optional(),
  /** False when another attempt would fail, too. */
  retryable: preset(z.boolean('must be true or false'), true),
  /** Seconds before the second attempt; they double with each attempt. */
  backoff_seconds: optional(
    z.number('must be a number').min(0, 'must be at least 0').max(3600, 'must be at most 3600'),
  ),
}

export const FinishItem = z.discriminatedUnion(
  'action',
  [
    z.strictObject({ action: z.literal('complete'), ...completeFields, id: JobId }),
    z.strictObject({ action: z.literal('fail'), ...failFields, id: JobId }),
    z.strictObject({ action: z.literal('release'), ...finishFields, id: JobId }),
  ],
  'must be complete, fail or release',
)
export type FinishItem = z.output<typeof FinishItem>

export const Finished = z.object({
  id: JobId,
  /** The new status of the job: completed, failed, quarantined, cancelled, or queued again. */
  status: z.string(),
  retry_count: z.number(),
  /** When a job that is queued again is due. */
  available_at: z.string().nullable(),
})
export type Finished = z.output<typeof Finished>

export const FinishResult = resultOf(Finished)
export type FinishResult = z.output<typeof FinishResult>

const common = {
  method: 'POST',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  output: Finished,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  documents: 1,
} as const

export const complete = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/complete',
  input: z.strictObject({ ...completeFields, id: PathId }),
})

export const fail = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/fail',
  input: z.strictObject({ ...failFields, id: PathId }),
})

/** Puts a job back into its queue, as if it had not been leased. */
export const release = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/release',
  input: z.strictObject({ ...finishFields, id: PathId }),
})

export const finishMany = endpoint({
  ...common,
  path: '/api/v1/jobs/finish',
  input: z.strictObject({ jobs: manyOf(FinishItem) }),
  documents: 16,
  /** In the order of the request. */
  output: z.object({ results: z.array(FinishResult) }),
  minimal: true,
})
