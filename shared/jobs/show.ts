import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, optional } from '../scope.ts'
import { JobId, TypedJobId } from '../work/job.ts'
import { Switch } from './job-filter.ts'

const string = z.string().nullable()

/** A job at the other end of a dependency. */
export const RelatedJob = z.object({
  uuid: z.string(),
  /** Null, like its state, for a job that is neither in the table of jobs nor in the archive. */
  id: JobId.nullable(),
  status: string,
  /** True for a job that is in the archive. */
  archived: z.boolean(),
})
export type RelatedJob = z.output<typeof RelatedJob>

const Attachment = z.object({
  id: z.number(),
  kind: z.string(),
  content_text: string,
  url: string,
  created_at: string,
})

const Event = z.object({
  id: z.number(),
  event_type: z.string(),
  attrs: z.unknown(),
  request_id: string,
  created_at: string,
})

/** What belongs to a job beside its row. */
const JobDetails = z.object({
  dependencies: z.object({
    /** The jobs that must be completed before this job runs, and the jobs that wait for this job; at most 1,000 each. */
    depends_on: z.array(RelatedJob),
    dependents: z.array(RelatedJob),
  }),
  /** The newest 20, the oldest first. */
  attachments: z.array(Attachment),
  /** The newest 50, the oldest first. */
  events: z.array(Event),
  /** The cluster of its failure, as `GET /api/v1/jobs/clusters` has it; absent where it has not failed, and of archived jobs and other engines. */
  cluster: z.string().optional(),
})
export type JobDetails = z.output<typeof JobDetails>

/**
 * A job: these fields, and then every other column of its row in the order of the table. `lease_id` and `completion_token`
 * are null, because they prove that a worker holds the job. The answer of another server has no fingerprint, and nothing
 * beside the row.
 */
const ShownJob = z.looseObject({
  id: JobId,
  uuid: string,
  domain: string,
  queue: string,
  job_type: string,
  status: string,
  payload: z.unknown(),
  result: z.unknown(),
  /** True for a job that is in the archive. */
  archived: z.boolean(),
  /** The first 8 hexadecimal digits of the SHA-256 of the lease id; null without a lease id. */
  lease_fingerprint: string.optional(),
  /**
   * The columns that are hidden from this caller, which lacks the right `payloads`: null, or with their texts folded. Absent where
   * none is.
   */
  hidden: z.array(z.string()).optional(),
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
})
