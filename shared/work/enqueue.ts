import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { jobList, optional, preset, ScopeName, wholeNumber } from '../scope.ts'
import { Time } from '../time.ts'
import { Job, JsonObject, text, words } from './job.ts'

const biggestInteger = 2 ** 31 - 1

export const NewJob = z.strictObject({
  domain: ScopeName,
  queue: preset(ScopeName, 'default'),
  job_type: ScopeName,
  /** The input of the worker; at most `JOBS_MAX_JSON_BYTES` of JSON. */
  payload: JsonObject,
  owner_user_id: optional(words(128)),
  /** 1 runs first. */
  priority: preset(wholeNumber(1, 10), 5),
  /** The number of attempts after the first one. */
  max_retries: preset(wholeNumber(0, 100), 3),
  /** After how many failures in a row with one error code the job is quarantined; absent means as its queue says. */
  quarantine_threshold: optional(wholeNumber(1, 100)),
  /** Not before this time; absent means at once. */
  available_at: optional(Time),
  /** Where a job with this key exists in the domain, queue and type, that job is answered, and none is inserted. */
  idempotency_key: optional(words(256)),
  batch_group: optional(words(256)),
  /** The uuids of the jobs that must be completed before this one runs. */
  depends_on: optional(
    z
      .array(text(128).trim().min(1, 'must not be blank'))
      .max(100, 'must name at most 100 jobs')
      .transform((uuids) => [...new Set(uuids)]),
  ),
  project_id: optional(wholeNumber(-biggestInteger - 1, biggestInteger)),
})
export type NewJob = z.output<typeof NewJob>

export const EnqueuedJob = Job.extend({
  /** False for a job that existed already under this idempotency key. */
  created: z.boolean(),
})
export type EnqueuedJob = z.output<typeof EnqueuedJob>

export const enqueue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs',
  forPrograms: true,
  needs: 'enqueue',
  scoped: 'narrowed',
  input: NewJob,
  documents: 1,
  output: EnqueuedJob,
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  created: ({ created }) => created,
})

/** Inserts all of the jobs, or none. */
export const enqueueBatch = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch',
  forPrograms: true,
  needs: 'enqueue',
  scoped: 'narrowed',
  input: z.strictObject({
    jobs: jobList(NewJob),
  }),
  documents: 16,
  /** In the order of the request. */
  output: z.object({ jobs: z.array(EnqueuedJob) }),
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  created: ({ jobs }) => jobs.some(({ created }) => created),
})
