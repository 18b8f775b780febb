import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, groupNames, Instant, optional, queryNumber, scopeFields, Time } from '../scope.ts'
import { JobId } from '../work/job.ts'

/** The states of a failure; `retrying` is a queued job that has failed before. */
const failureStates = ['quarantined', 'failed', 'retrying'] as const

const State = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(failureStates, `must be one of ${failureStates.join(', ')}`))

/** The id of the row that has all failures which are in no other row. */
export const restOfClusters = 'rest'

const time = Instant.nullable()

/** Failures with the same state, error code and pattern of the message. */
const Cluster = z.object({
  cluster: z
    .string()
    .describe('The version of the rules that make patterns, and a hash of state, code and pattern; or `rest`.'),
  status: z.string().nullable().describe('Null in the row `rest`, like the code and the pattern.'),
  error_code: z.string().nullable().describe('The error code of the failures; null where they have none.'),
  pattern: z.string().nullable().describe('The message in which texts, addresses, paths and numbers are folded.'),
  count: Count.describe('How many failures the cluster has.'),
  groups: z
    .array(z.object({ ...groupNames, count: Count.describe('How many failures of the cluster the group has.') }))
    .describe('The ten largest groups, of `group_count`.'),
  owners: z
    .array(
      z.object({
        owner_user_id: z.string().nullable().describe('The owner; null for the jobs without one.'),
        count: Count.describe('How many failures of the cluster the owner has.'),
      }),
    )
    .describe('The ten owners with the most jobs, of `owner_count`; null for the jobs without an owner.'),
  first_seen: time.describe('When the first of these jobs failed; null where no time is known.'),
  last_seen: time.describe('When the last of these jobs failed; null where no time is known.'),
  per_minute: z.number().describe('Failures a minute, over the last 5 minutes.'),
  sample_ids: z.array(JobId).describe('The ids of three jobs at most.'),
  domains: z
    .array(
      z.object({
        domain: z.string().describe('The domain.'),
        count: Count.describe('How many failures of the cluster the domain has.'),
      }),
    )
    .optional()
    .describe(
      'The ten domains with the most jobs, of `domain_count`. Servers up to 0.2.0 send none of the fields from here on.',
    ),
  domain_count: Count.optional().describe(
    'How many domains, queues and groups (domain, queue and job type) have jobs of the cluster.',
  ),
  queue_count: Count.optional().describe('How many queues have jobs of the cluster.'),
  group_count: Count.optional().describe('How many groups of domain, queue and job type have jobs of the cluster.'),
  owner_count: Count.optional().describe(
    'How many owners have jobs of the cluster; the jobs without an owner add none.',
  ),
  at_least: z
    .boolean()
    .optional()
    .describe(
      'True where all numbers of the cluster are lower bounds. Not all failures of its state were read (`not_read`), or some of different messages are in the row `rest`, since only the newest 20,000 different messages are folded.',
    ),
})
export type Cluster = z.output<typeof Cluster>

/** Processing jobs of one worker and job type whose lease has expired. */
const ExpiredLeases = z.object({
  worker_id: z.string().nullable().describe('The worker that had the leases; null where none is named.'),
  job_type: z.string().describe('The type of the jobs.'),
  count: Count.describe('How many leases of the worker have expired.'),
  oldest: time.describe('When the first of the leases expired; null where none of them has an end.'),
})
export type ExpiredLeases = z.output<typeof ExpiredLeases>

/** Failures of one state that were not read, in the scope and between the times of the request. */
const NotRead = z.object({
  state: z.enum(failureStates).describe('The state of the failures that were not read.'),
  before: time.describe('Only failures before this time were not read; null where the time is not known.'),
})
export type NotRead = z.output<typeof NotRead>

const ClustersRequest = z.strictObject({
  ...scopeFields,
  status: optional(State).describe('`failed`, `quarantined`, or `retrying`: queued jobs that have failed before'),
  since: optional(Time).describe('only failures at this time or later'),
  until: optional(Time).describe('only failures before this time'),
  limit: queryNumber(1, 1000, 100).describe('the most clusters to answer'),
})
export type ClustersRequest = z.output<typeof ClustersRequest>

export const failureClusters = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/clusters',
  meaning:
    'Failures by what they have in common: state, error code and the pattern of the message, in which texts, addresses, paths and numbers are folded. The row `rest` has the failures that are in no other row; `X-Complete` is `false` then, and where a state has more than 100,000 failures in the scope: `not_read` names it then. `expired_leases` counts running jobs whose lease has expired, by worker and job type.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'clusters',
  aliases: ['/api/v1/jobs/quarantine/clusters'],
  input: ClustersRequest,
  output: z.object({
    clusters: z.array(Cluster).describe('The clusters, those with the most failures first; `rest` is the last one.'),
    expired_leases: z.array(ExpiredLeases).describe('The 100 largest.'),
    not_read: z
      .array(NotRead)
      .optional()
      .describe(
        'The states of which older failures were not read: there are more than 100,000 of the state in the scope, or the search in the scope took longer than 5 s. Empty where all were read. Servers up to 0.2.0 do not send it.',
      ),
  }),
  changes: () => false,
  readAt: () => 'replica',
})
