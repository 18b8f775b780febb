import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, Instant, Integer, optional } from '../scope.ts'
import { JobId, State, TypedJobId } from '../work/job.ts'
import { Switch } from './job-filter.ts'

const time = Instant.nullable()
const string = z.string().nullable()

/** A job at the other end of a dependency. */
export const RelatedJob = z.object({
  uuid: z.string().describe('The uuid of the job.'),
  id: JobId.nullable().describe(
    'Null, like its state, for a job that is neither in the table of jobs nor in the archive.',
  ),
  status: string.describe('The state of the job; null where it is not known.'),
  archived: z.boolean().describe('True for a job that is in the archive.'),
})
export type RelatedJob = z.output<typeof RelatedJob>

const Attachment = z.object({
  id: Integer.describe('The id of the attachment.'),
  kind: z.string().describe('`log`, `artifact` or `tag`.'),
  content_text: string.describe('The text; null for a URL.'),
  url: string.describe('The URL; null for a text.'),
  created_at: time.describe('When it was added.'),
})

const Event = z.object({
  id: Integer.describe('The id of the event.'),
  event_type: z.string().describe('What happened, such as `job.completed`.'),
  attrs: z.unknown().describe('The facts of the event: what they are depends on its type.'),
  request_id: string.describe('The request that caused it; null for an event without one.'),
  created_at: time.describe('When it happened.'),
})

/** What belongs to a job beside its row. */
const JobDetails = z.object({
  dependencies: z
    .object({
      depends_on: z
        .array(RelatedJob)
        .describe(
          'The jobs that must be completed before this job runs, and the jobs that wait for this job; at most 1,000 each.',
        ),
      dependents: z.array(RelatedJob).describe('The jobs that wait for this job, at most 1,000.'),
      at_least: z
        .boolean()
        .optional()
        .describe('True where either list lacks jobs, since there are more; else absent.'),
    })
    .describe('The jobs at the other ends of its dependencies.'),
  attachments: z.array(Attachment).describe('The newest 20, the oldest first.'),
  events: z.array(Event).describe('The newest 50, the oldest first.'),
  cluster: z
    .string()
    .optional()
    .describe(
      'The cluster of its failure, as `GET /api/v1/jobs/clusters` has it; absent where it has not failed, and of archived jobs and other engines.',
    ),
})
export type JobDetails = z.output<typeof JobDetails>

/**
 * A job: these fields, and then every other column of its row in the order of the table. `lease_id` and `completion_token`
 * are null, because they prove that a worker holds the job. The answer of another server has no fingerprint, and nothing
 * beside the row.
 */
const ShownJob = z.looseObject({
  id: JobId.describe('The id of the job.'),
  uuid: string.describe('The name by which `depends_on` names it.'),
  domain: string.describe('The domain of the job.'),
  queue: string.describe('The queue of the job.'),
  job_type: string.describe('The type of the job.'),
  status: State.nullable().describe('The state of the job; null where a map gives it none.'),
  payload: z.unknown().describe('What the worker gets.'),
  result: z.unknown().describe('What the worker has returned; null before that.'),
  archived: z.boolean().describe('True for a job that is in the archive.'),
  lease_fingerprint: string
    .optional()
    .describe('The first 8 hexadecimal digits of the SHA-256 of the lease id; null without a lease id.'),
  hidden: z
    .array(z.string())
    .optional()
    .describe(
      'The columns that are hidden from this caller, which lacks the right `payloads`: null, or with their texts folded. Absent where none is.',
    ),
  ...JobDetails.partial().shape,
})
export type ShownJob = z.output<typeof ShownJob>

export const showJob = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/:id',
  aliases: ['/api/v1/jobs/job'],
  keyed: '/api/v1/jobs/job',
  meaning:
    'One job with every column, its dependencies, attachments and last events, also from the archive. `lease_id` and `completion_token` are null. A token with a role that asks for it without the mask (`redact=false`) leaves an event `job.revealed`.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'show',
  input: z.strictObject({
    id: TypedJobId.describe('the id of the job'),
    domain: optional(Domain),
    redact: optional(Switch).describe(
      '`true` masks values whose names look secret (`JOBS_REDACT_KEYS`); absent means `true` for a token with a role, and `false` for the single-user key and a token without one',
    ),
  }),
  output: ShownJob,
  changes: () => false,
  // An event says who saw a job without the mask, which only the primary can write.
  readAt: ({ redact }) => (redact === true ? 'stale-ok' : 'primary'),
})
