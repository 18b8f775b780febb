import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, Integer, optional, preset } from '../scope.ts'
import { DelaySeconds } from './enqueue.ts'
import { GivenOwnJobId, Json, OwnId, PathJobId, State, words } from './job.ts'
import { leaseOwnerFields, manyOf, resultOf, type WithOwnId } from './lease-owner.ts'

const finishFields = {
  ...leaseOwnerFields,
  completion_token: optional(words(256)).describe(
    'chosen by the worker: the same finish with the same token is answered as the first time',
  ),
}

const completeFields = {
  ...finishFields,
  result: Json.optional().describe('any JSON, at most `JOBS_MAX_JSON_BYTES`'),
}

const failFields = {
  ...finishFields,
  error: words(10_000).describe('what went wrong, for people'),
  error_code: optional(words(128)).describe(
    'what went wrong, for programs; the same code several times in a row ends in quarantine',
  ),
  error_class: optional(words(256)).describe('the class of the error'),
  error_stack: Json.optional().describe('any JSON, at most `JOBS_MAX_JSON_BYTES`'),
  retryable: preset(z.boolean('must be true or false'), true).describe('false when another attempt would fail, too'),
  backoff_seconds: optional(
    z.number('must be a number').min(0, 'must be at least 0').max(3600, 'must be at most 3600'),
  ).describe('the wait before the next attempt, 1 s when absent; it doubles with each attempt, up to an hour'),
}

const releaseFields = {
  ...finishFields,
  delay_seconds: optional(DelaySeconds).describe(
    'how long the job waits before it runs again; left out, it runs when it would have',
  ),
}

export const FinishItem = z.discriminatedUnion(
  'action',
  [
    z.strictObject({
      action: z.literal('complete').describe('how the attempt ended'),
      ...completeFields,
      id: GivenOwnJobId.describe('the id of the job, or its uuid'),
    }),
    z.strictObject({
      action: z.literal('fail').describe('how the attempt ended'),
      ...failFields,
      id: GivenOwnJobId.describe('the id of the job, or its uuid'),
    }),
    z.strictObject({
      action: z.literal('release').describe('how the attempt ended'),
      ...releaseFields,
      id: GivenOwnJobId.describe('the id of the job, or its uuid'),
    }),
    z.strictObject({
      action: z.literal('cancel').describe('how the attempt ended'),
      ...finishFields,
      reason: optional(words(1000)).describe('why the job ends as cancelled'),
      id: GivenOwnJobId.describe('the id of the job, or its uuid'),
    }),
  ],
  'must be complete, fail, release or cancel',
)
export type FinishItem = WithOwnId<z.output<typeof FinishItem>>

export const Finished = z.object({
  id: OwnId.describe('The id of the job.'),
  status: State.describe('The new status of the job: completed, failed, quarantined, cancelled, or queued again.'),
  retry_count: Integer.describe('How many attempts have failed so far.'),
  available_at: Instant.nullable().describe('When a job that is queued again is due.'),
})
export type Finished = z.output<typeof Finished>

export const FinishResult = resultOf(Finished)
export type FinishResult = z.output<typeof FinishResult>

const common = {
  method: 'POST',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'finish',
  output: Finished,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  documents: 1,
} as const

export const complete = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/complete',
  meaning: 'Ends an attempt: the job is completed.',
  input: z.strictObject({ ...completeFields, id: PathJobId.describe('the id of the job, or its uuid') }),
})

export const fail = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/fail',
  meaning: 'Ends an attempt: the job is retried, quarantined or failed.',
  input: z.strictObject({ ...failFields, id: PathJobId.describe('the id of the job, or its uuid') }),
})

export const release = endpoint({
  ...common,
  path: '/api/v1/jobs/:id/release',
  meaning:
    'Ends an attempt: the job goes back to the queue as if it had not been picked up, to run again after `delay_seconds`.',
  input: z.strictObject({ ...releaseFields, id: PathJobId.describe('the id of the job, or its uuid') }),
})

export const finishMany = endpoint({
  ...common,
  path: '/api/v1/jobs/finish',
  meaning: 'Ends up to 1,000 attempts, each with its `action`; each job is answered on its own.',
  input: z.strictObject({ jobs: manyOf(FinishItem).describe('the jobs; their fields are below') }),
  documents: 16,
  output: z
    .object({ results: z.array(FinishResult).describe('The result of each job.') })
    .describe('In the order of the request.'),
  minimal: true,
})
