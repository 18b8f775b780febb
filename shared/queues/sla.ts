import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import {
  Domain,
  groupNames,
  Instant,
  Integer,
  JobType,
  optional,
  preset,
  Queue,
  queryNumber,
  ScopeFilter,
  scopeFields,
  wholeNumber,
} from '../scope.ts'
import { text } from '../work/job.ts'

const groupFields = { domain: Domain, queue: Queue, job_type: JobType }

const Seconds = optional(wholeNumber(0, 2 ** 31 - 1))

export const setSlaPolicy = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/sla/policy',
  meaning:
    'Sets how long a job of a group may wait and run. A limit that is not sent is no limit, whatever it was before.',
  needs: 'queues',
  scoped: 'narrowed',
  verb: 'sla',
  input: z.strictObject({
    ...groupFields,
    max_queue_latency_seconds: Seconds.describe('how long a job may wait, from its creation until a worker takes it'),
    max_duration_seconds: Seconds.describe('how long a job may run, since it was started'),
    enabled: preset(z.boolean('must be true or false'), true).describe('false: no job is over these limits'),
  }),
  output: z.object({ ok: z.literal(true).describe('Always true.') }),
  changes: () => true,
  unconfirmed: true,
})

export const deleteSlaPolicy = endpoint({
  method: 'DELETE',
  path: '/api/v1/jobs/sla/policy',
  meaning: 'Takes the limits of a group away; 404 for a group that has none. The input is a body of JSON.',
  needs: 'queues',
  scoped: 'narrowed',
  verb: 'sla',
  input: z.strictObject(groupFields),
  output: z.object({ ok: z.literal(true).describe('Always true.') }),
  changes: () => true,
  unconfirmed: true,
})

const seconds = z.number().nullable()

const SlaPolicy = z.object({
  ...groupNames,
  max_queue_latency_seconds: seconds,
  max_duration_seconds: seconds,
  enabled: z.boolean(),
  updated_at: Instant.nullable().describe('When the limits were set.'),
})
export type SlaPolicy = z.output<typeof SlaPolicy>

export const listSlaPolicies = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/sla/policies',
  meaning: 'The limits of the groups, by domain, queue and job type.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'sla',
  input: ScopeFilter,
  output: z.array(SlaPolicy),
  changes: () => false,
})

/** A live job over a limit of its group. The two fields of a limit are there only where the job is over it. */
const SlaBreach = z.object({
  job_id: Integer.describe('The id of the job.'),
  ...groupNames,
  status: z.string().describe('The state of the job.'),
  breach_kinds: z.array(z.enum(['queue_latency', 'duration'])),
  wait_seconds: z.number().optional().describe('The time from its creation until now, or until a worker took it.'),
  max_wait_seconds: z.number().optional(),
  processing_seconds: z.number().optional().describe('The time since it was started.'),
  max_processing_seconds: z.number().optional(),
})
export type SlaBreach = z.output<typeof SlaBreach>

const BreachesRequest = z.strictObject({
  ...scopeFields,
  limit: queryNumber(1, 1000, 1000).describe('the most rows to answer'),
  cursor: optional(text(4096)).describe('where the page begins: part of a URL of the header `Link`'),
})
export type BreachesRequest = z.output<typeof BreachesRequest>

export const listSlaBreaches = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/sla/breaches',
  meaning:
    'The queued and running jobs that are over a limit of their group, the oldest first. The header `Link` has the next page. `X-Complete` is `false` where more than 50,000 jobs of groups with limits are running, or more than 10,000 groups have limits.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'sla',
  input: BreachesRequest,
  output: z.array(SlaBreach),
  changes: () => false,
})
