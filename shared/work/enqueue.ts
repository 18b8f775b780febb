import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, JobType, jobList, optional, preset, Queue, Time, wholeNumber } from '../scope.ts'
import { Job, JsonObject, text, words } from './job.ts'

const biggestInteger = 2 ** 31 - 1

/** The longest delay that counts from now by the clock of the database: 366 days. */
export const mostDelaySeconds = 366 * 86_400

export const DelaySeconds = z
  .number('must be a number')
  .min(0, 'must be at least 0')
  .max(mostDelaySeconds, `must be at most ${mostDelaySeconds}`)

const NewJobFields = z.strictObject({
  domain: Domain,
  queue: preset(Queue, 'default'),
  job_type: JobType,
  payload: JsonObject.describe('an object for the worker, at most `JOBS_MAX_JSON_BYTES`'),
  owner_user_id: optional(words(128)).describe('the owner of the job'),
  priority: preset(wholeNumber(1, 10), 5).describe('a job with a lower number runs first'),
  max_retries: preset(wholeNumber(0, 100), 3).describe('attempts after the first one'),
  quarantine_threshold: optional(wholeNumber(1, 100)).describe(
    'after how many failures in a row with one error code the job is quarantined; left out, as its queue says',
  ),
  available_at: optional(Time).describe('the job does not run before this time; absent means at once'),
  delay_seconds: optional(DelaySeconds).describe(
    'the job does not run before this time is over, by the clock of the database: in place of `available_at`',
  ),
  idempotency_key: optional(words(256)).describe(
    'a second job with this key in its domain, queue and type is the first job',
  ),
  unique: optional(z.enum(['while_queued'], "must be 'while_queued'")).describe(
    'until when the key holds: `while_queued` as long as the first job is queued or processing; left out, as long as it exists',
  ),
  batch_group: optional(words(256)).describe('a name that jobs of one batch share'),
  depends_on: optional(
    z
      .array(text(128).trim().min(1, 'must not be blank'))
      .max(100, 'must name at most 100 jobs')
      .transform((uuids) => [...new Set(uuids)]),
  ).describe('uuids of jobs that must be completed before this job runs'),
  project_id: optional(wholeNumber(-biggestInteger - 1, biggestInteger)).describe('the project of the job'),
})

export const NewJob = NewJobFields.refine(
  ({ available_at, delay_seconds }) => available_at === undefined || delay_seconds === undefined,
  { path: ['delay_seconds'], message: 'goes without available_at' },
).refine(({ unique, idempotency_key }) => unique === undefined || idempotency_key !== undefined, {
  path: ['unique'],
  message: 'goes with an idempotency key',
})
export type NewJob = z.output<typeof NewJob>

export const EnqueuedJob = Job.extend({
  created: z.boolean().describe('False for a job that existed already under this idempotency key.'),
})
export type EnqueuedJob = z.output<typeof EnqueuedJob>

export const enqueue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs',
  meaning:
    'Takes a job in. 201 with the row; 200 with the row that is there and `created: false` when the idempotency key is taken.',
  forPrograms: true,
  needs: 'enqueue',
  scoped: 'narrowed',
  verb: 'enqueue',
  input: NewJob,
  documents: 1,
  output: EnqueuedJob,
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  created: ({ created }) => created,
})

export const enqueueBatch = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch',
  meaning: 'Takes up to 1,000 jobs in, all or none.',
  forPrograms: true,
  needs: 'enqueue',
  scoped: 'narrowed',
  verb: 'enqueue',
  input: z.strictObject({
    jobs: jobList(NewJob).describe('the jobs; their fields are below'),
  }),
  documents: 16,
  output: z
    .object({ jobs: z.array(EnqueuedJob).describe('The jobs, in the order of the request.') })
    .describe('In the order of the request.'),
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
  created: ({ jobs }) => jobs.some(({ created }) => created),
})
